-- Visits by hour of the last five weeks, counted in the one way that counts for that site and day (scans before the counter
-- before hand counts, KPI 70). An hour without a count has no row.
SELECT v.site_id, d.day, hour(v.visited_at) AS hour, sum(v.cnt) AS visit_cnt
FROM marts.site_day d JOIN raw.st_visit v ON v.site_id = d.site_id AND CAST(v.visited_at AS DATE) = d.day AND v.method = d.visit_method AND v._deleted_at IS NULL
WHERE d.day > (SELECT day FROM build.today) - 35 GROUP BY ALL
