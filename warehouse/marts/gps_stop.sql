-- A stop: at least trip_rest_s between two drives of a vehicle, at the place where the first one ended.
WITH parameter AS (SELECT max(value) FILTER (name = 'trip_rest_s') AS rest_s FROM raw.own_parameter
), driving AS (
    SELECT vehicle_key, from_at, to_at, lag(to_at) OVER v AS stopped_at, lag(lon) OVER v AS lon, lag(lat) OVER v AS lat
    FROM staging.stg_gps_step WHERE is_driving WINDOW v AS (PARTITION BY vehicle_key ORDER BY to_at)
)
SELECT md5(vehicle_key || stopped_at) AS stop_id, vehicle_key, CAST(from_at AS DATE) AS day, lon, lat, stopped_at AS from_at,
    from_at AS to_at, CAST(epoch(from_at - stopped_at) AS INTEGER) AS stop_s
FROM driving WHERE epoch(from_at - stopped_at) >= (SELECT rest_s FROM parameter) AND CAST(from_at AS DATE) IN (SELECT day FROM build.day)
