-- How many drivers scored in which band of ten points, month by month, over the whole district; a person with two
-- companies once; everything below 60 is one band (50). A month in which nobody has a score has no row.
with person as (select distinct day, person_key, score from marts.driver_month)
select day, cast(greatest(50, least(90, floor(score / 10) * 10)) as integer) as band, count(*) as driver_cnt
from person
group by all
