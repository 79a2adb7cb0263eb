-- How many drivers scored in which band of ten points, month by month, over the whole district; a person with two companies
-- once; everything below 60 is one band (50). A month in which nobody has a score has no row.
WITH person AS (
    SELECT DISTINCT day, person_key, score FROM marts.driver_month
)
SELECT day, CAST(greatest(50, least(90, floor(score / 10) * 10)) AS INTEGER) AS band, count(*) AS driver_cnt FROM person GROUP BY ALL
