-- Stops of trucks inside the district (ray casting against its outline) and whether an open site lay within reach. No
-- coordinates here: the open file says only that somebody stopped, not where.
WITH stop AS (
    SELECT s.stop_id, s.vehicle_key, s.day, s.lon, s.lat, v.company_key, v.town_code FROM marts.gps_stop s
    JOIN marts.dim_vehicle v ON v.vehicle_key = s.vehicle_key AND s.day BETWEEN v.from_day AND v.to_day AND v.status = '营运' AND NOT v.is_trailer
    WHERE s.day IN (SELECT day FROM build.day)
), edge AS (
    SELECT lon AS x1, lat AS y1, lead(lon) OVER ring AS x2, lead(lat) OVER ring AS y2 FROM raw.own_outline WINDOW ring AS (PARTITION BY ring_no ORDER BY seq)
), inside AS (
    SELECT s.stop_id FROM stop s JOIN edge e ON e.x2 IS NOT NULL AND (e.y1 > s.lat) <> (e.y2 > s.lat) AND s.lon < (e.x2 - e.x1) * (s.lat - e.y1) / (e.y2 - e.y1) + e.x1
    GROUP BY s.stop_id HAVING count(*) % 2 = 1
), near AS (
    SELECT DISTINCT s.stop_id FROM stop s JOIN staging.stg_st_site t ON s.day BETWEEN t.from_day AND t.to_day AND t.is_open
    WHERE distance_km(s.lon, s.lat, t.lon, t.lat) <= (SELECT max(value) FROM raw.own_parameter WHERE name = 'site_reach_km')
)
SELECT s.stop_id, s.vehicle_key, s.day, s.company_key, s.town_code, n.stop_id IS NOT NULL AS is_near
FROM stop s JOIN inside USING (stop_id) LEFT JOIN near n USING (stop_id)
