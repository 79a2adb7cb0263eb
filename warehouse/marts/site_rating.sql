-- Ratings of sites by day, already summed: one a person, site and day.
SELECT r.site_id, r.day, coalesce(s.town_code, '') AS town_code, sum(r.stars) AS stars, count(*) AS ratings
FROM raw.st_rating r LEFT JOIN staging.stg_st_site s ON s.site_id = r.site_id AND s.is_current WHERE r._deleted_at IS NULL AND r.stars BETWEEN 1 AND 5 GROUP BY 1, 2, 3
