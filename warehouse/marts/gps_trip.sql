-- A trip: driving without a stop of trip_rest_s or more. drive_s counts driving only; rest_s is the stop before it,
-- NULL when nothing is known of what was before. Belongs to the day it ended.
WITH parameter AS (SELECT max(value) FILTER (name = 'trip_rest_s') AS rest_s FROM raw.own_parameter
), driving AS (
    SELECT *, epoch(from_at - lag(to_at) OVER (PARTITION BY vehicle_key ORDER BY to_at)) AS rest_s
    FROM staging.stg_gps_step WHERE is_driving
), numbered AS (
    SELECT *, sum(CASE WHEN rest_s IS NULL OR rest_s >= (SELECT rest_s FROM parameter) THEN 1 ELSE 0 END)
        OVER (PARTITION BY vehicle_key ORDER BY to_at) AS n
    FROM driving
), trip AS (
    SELECT vehicle_key, min(from_at) AS from_at, max(to_at) AS to_at, sum(km) AS km, sum(s) AS drive_s,
        sum(km) FILTER (hour(to_at) < 5) AS km_night05, sum(km) FILTER (is_gap) AS gap_km, arg_min(rest_s, to_at) AS rest_s,
        arg_min(lon0, to_at) AS from_lon, arg_min(lat0, to_at) AS from_lat, arg_max(lon, to_at) AS to_lon, arg_max(lat, to_at) AS to_lat,
        -- one point a minute is enough to see where it went
        list(struct_pack(at := to_at, lon := round(lon, 5), lat := round(lat, 5)) ORDER BY to_at) FILTER (is_first) AS path
    FROM (SELECT *, row_number() OVER (PARTITION BY vehicle_key, n, date_trunc('minute', to_at) ORDER BY to_at) = 1 AS is_first FROM numbered) GROUP BY vehicle_key, n
)
SELECT md5(vehicle_key || from_at) AS trip_id, vehicle_key, CAST(to_at AS DATE) AS day, from_at, to_at, round(km, 3) AS km,
    round(coalesce(km_night05, 0), 3) AS km_night05, round(coalesce(gap_km, 0), 3) AS gap_km, CAST(drive_s AS INTEGER) AS drive_s,
    CAST(rest_s AS INTEGER) AS rest_s, from_lon, from_lat, to_lon, to_lat, path
FROM trip WHERE CAST(to_at AS DATE) IN (SELECT day FROM build.day)
