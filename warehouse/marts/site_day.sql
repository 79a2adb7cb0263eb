-- Service sites day by day: hours, visits by the best method of the day (check-in before counter before manual count), and
-- facilities. in_use: not closed for good; a closure the bureau approved leaves both sides of the opening rate.
WITH span AS (
    SELECT least((SELECT min(day) FROM raw.st_open_log), (SELECT min(CAST(visited_at AS DATE)) FROM raw.st_visit), (SELECT min(from_day) FROM staging.stg_st_facility)) AS first, (SELECT day FROM build.today) AS last
), base AS (
    SELECT CAST(d.day AS DATE) AS day, s.site_id, s.name, s.kind, s.town_code, s.is_open FROM (SELECT unnest(generate_series(first, last, INTERVAL 1 DAY)) AS day FROM span) d
    JOIN staging.stg_st_site s ON CAST(d.day AS DATE) BETWEEN s.from_day AND s.to_day
), counted AS (
    SELECT site_id, CAST(visited_at AS DATE) AS day, method, sum(cnt) AS cnt FROM raw.st_visit WHERE _deleted_at IS NULL GROUP BY 1, 2, 3
), visited AS (
    SELECT site_id, day, method, cnt FROM counted
    QUALIFY row_number() OVER (PARTITION BY site_id, day ORDER BY CASE method WHEN 'checkin' THEN 1 WHEN 'counter' THEN 2 ELSE 3 END) = 1
), facility AS (
    SELECT b.site_id, b.day, count(DISTINCT f.fac_code) FILTER (f.fac_code IN ('PARK', 'REST', 'HOTWATER', 'MEALHEAT', 'SHOWER', 'LAUNDRY')) = 6 AS has_basics,
        count(DISTINCT f.fac_code) FILTER (f.fac_code IN ('FUEL', 'SHOP', 'DINING', 'REPAIR', 'WIFI', 'PARK', 'REST', 'LODGING', 'LAUNDRY')) AS nine_cnt
    FROM base b JOIN staging.stg_st_facility f ON f.site_id = b.site_id AND f.is_available AND b.day BETWEEN f.from_day AND f.to_day GROUP BY 1, 2
)
SELECT b.site_id, b.name, b.kind, b.day, b.town_code, b.is_open AS in_use, coalesce(l.is_excused, false) AS is_excused, l.opened_min, l.scheduled_min,
    v.method AS visit_method, v.cnt AS visit_cnt, coalesce(f.has_basics, false) AS has_basics, coalesce(f.nine_cnt, 0) AS nine_cnt
FROM base b LEFT JOIN raw.st_open_log l ON l.site_id = b.site_id AND l.day = b.day LEFT JOIN visited v ON v.site_id = b.site_id AND v.day = b.day
LEFT JOIN facility f ON f.site_id = b.site_id AND f.day = b.day
