-- The way from one qualified position of a vehicle to its next, for the touched days and the day before them.
-- Dropped from the path: a fix repeated ≥20 times while speed says driving (D06), and jumps that return (D09). Impossible
-- jumps of more than 50 km are marked as well: many in a day are a second vehicle under the same plate (D01).
WITH parameter AS (
    SELECT max(value) FILTER (name = 'track_gap_s') AS gap_s, max(value) FILTER (name = 'track_gap_km') AS gap_km,
        max(value) FILTER (name = 'drift_speed_kmh') AS drift_kmh, max(value) FILTER (name = 'move_speed_kmh') AS move_kmh,
        max(value) FILTER (name = 'track_gap_most_s') AS most_s, max(value) FILTER (name = 'trip_rest_s') AS rest_s
    FROM raw.own_parameter
), point AS (
    SELECT vehicle_key, loc_time, lon, lat, speed_kmh, odometer_km FROM staging.stg_gps_location WHERE reason IS NULL
    QUALIFY row_number() OVER (PARTITION BY vehicle_key, loc_time ORDER BY recv_time DESC NULLS LAST) = 1
), neighbour AS (
    SELECT *, lag(loc_time) OVER v AS t0, lag(lon) OVER v AS lon0, lag(lat) OVER v AS lat0,
        lead(loc_time) OVER v AS t2, lead(lon) OVER v AS lon2, lead(lat) OVER v AS lat2
    FROM point WINDOW v AS (PARTITION BY vehicle_key ORDER BY loc_time)
), frozen AS (
    SELECT vehicle_key, lon, lat FROM neighbour WHERE lon = lon0 AND lat = lat0 AND speed_kmh > 5 GROUP BY ALL HAVING count(*) >= 19
), judged AS (
    SELECT n.*, f.vehicle_key IS NOT NULL AND speed_kmh > 5 AS is_frozen,
        coalesce(distance_km(lon0, lat0, n.lon, n.lat) > greatest(50, epoch(loc_time - t0) / 3600 * (SELECT drift_kmh FROM parameter)), false) AS is_far,
        t0 IS NOT NULL AND t2 IS NOT NULL AND t2 - t0 < INTERVAL 1 HOUR
        AND distance_km(lon0, lat0, n.lon, n.lat) > 0.5 AND distance_km(n.lon, n.lat, lon2, lat2) > 0.5
        AND distance_km(lon0, lat0, n.lon, n.lat) / greatest(epoch(loc_time - t0), 1) * 3600 > (SELECT drift_kmh FROM parameter)
        AND distance_km(n.lon, n.lat, lon2, lat2) / greatest(epoch(t2 - loc_time), 1) * 3600 > (SELECT drift_kmh FROM parameter)
        AND distance_km(lon0, lat0, lon2, lat2) < 0.7 * (distance_km(lon0, lat0, n.lon, n.lat) + distance_km(n.lon, n.lat, lon2, lat2)) AS is_drift
    FROM neighbour n LEFT JOIN frozen f ON f.vehicle_key = n.vehicle_key AND f.lon = n.lon AND f.lat = n.lat
), step AS (
    SELECT vehicle_key, loc_time AS to_at, lon, lat, speed_kmh, is_drift, is_frozen, is_far, odometer_km,
        CASE WHEN NOT (is_drift OR is_frozen) THEN lag(CASE WHEN NOT (is_drift OR is_frozen) THEN odometer_km END IGNORE NULLS) OVER v END AS odometer0_km,
        CASE WHEN NOT (is_drift OR is_frozen) THEN lag(CASE WHEN NOT (is_drift OR is_frozen) THEN loc_time END IGNORE NULLS) OVER v END AS from_at,
        CASE WHEN NOT (is_drift OR is_frozen) THEN lag(CASE WHEN NOT (is_drift OR is_frozen) THEN lon END IGNORE NULLS) OVER v END AS lon0,
        CASE WHEN NOT (is_drift OR is_frozen) THEN lag(CASE WHEN NOT (is_drift OR is_frozen) THEN lat END IGNORE NULLS) OVER v END AS lat0
    FROM judged WINDOW v AS (PARTITION BY vehicle_key ORDER BY loc_time)
), measured AS (
    SELECT *, epoch(to_at - from_at) AS s, distance_km(lon0, lat0, lon, lat) AS straight_km, odometer_km - odometer0_km AS odometer_step_km FROM step
), bridged AS (
    -- over a loss of track the vehicle's own counter says what was driven, when it is possible at all; else the straight line
    SELECT m.*, p.*, s > p.gap_s AND greatest(straight_km, coalesce(odometer_step_km, 0)) > p.gap_km AND s <= p.most_s AS is_gap,
        CASE WHEN s > p.gap_s AND odometer_step_km BETWEEN straight_km - 2 AND s / 3600 * p.drift_kmh
            THEN greatest(straight_km, odometer_step_km) ELSE straight_km END AS way_km
    FROM measured m CROSS JOIN parameter p
), timed AS (
    SELECT *, way_km / greatest(s, 1) * 3600 AS kmh FROM bridged
)
SELECT vehicle_key, CAST(to_at AS DATE) AS day, from_at, to_at, s, lon0, lat0, lon, lat, speed_kmh, is_drift, is_frozen, is_far, coalesce(is_gap, false) AS is_gap,
    coalesce(odometer_km > 0 AND odometer_step_km < -1, false) AS is_reset,
    -- faster than any truck is a false jump, not distance; a silence of many hours is no track at all
    CASE WHEN kmh <= drift_kmh AND s <= most_s THEN way_km ELSE 0 END AS km, straight_km,
    -- a loss longer than a rest may hide one: its kilometres count, its time is not called driving
    coalesce(kmh >= move_kmh AND kmh <= drift_kmh AND (s <= gap_s OR (is_gap AND s < rest_s)), false) AS is_driving
FROM timed
