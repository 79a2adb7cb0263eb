-- What each vehicle's positions say of each touched day: counts of messages by verdict, kilometres, driving time,
-- fatigue beyond the vehicle class's limit (clock reset by a stop of min_rest_s), first departure after a stop of ≥2 h.
WITH message AS (
    SELECT vehicle_key, day, count(*) AS pts, count(*) FILTER (reason IS NULL) AS ok_pts,
        min(loc_time) FILTER (reason IS NULL) AS first_valid_at, max(loc_time) FILTER (reason IS NULL) AS last_at,
        count(*) FILTER (reason = 'time') AS time_pts, count(*) FILTER (reason = 'unfixed') AS unfixed_pts,
        count(*) FILTER (reason = 'range') AS range_pts, count(*) FILTER (reason = 'speed') AS speed_pts,
        count(*) FILTER (reason = 'encrypted') AS encrypted_pts, count(*) FILTER (reason IN ('altitude', 'direction', 'color')) AS other_pts,
        count(*) FILTER (is_makeup) AS makeup_pts, count(*) FILTER (color_repaired) AS color_pts, count(DISTINCT loc_time) AS distinct_pts
    FROM staging.stg_gps_location WHERE day IN (SELECT day FROM build.day) GROUP BY 1, 2
), driving AS (
    SELECT *, from_at - lag(to_at) OVER v AS pause, lag(to_at) OVER v AS stopped_at
    FROM staging.stg_gps_step WHERE is_driving WINDOW v AS (PARTITION BY vehicle_key ORDER BY to_at)
), spell AS (
    SELECT *, sum(CASE WHEN pause IS NULL OR epoch(pause) >= 1200 THEN 1 ELSE 0 END) OVER v AS spell_no
    FROM driving WINDOW v AS (PARTITION BY vehicle_key ORDER BY to_at)
), clocked AS (
    SELECT s.*, sum(s.s) OVER (PARTITION BY s.vehicle_key, s.spell_no ORDER BY s.to_at) AS driven_s,
        CASE WHEN hour(s.to_at) >= 22 OR hour(s.to_at) < 6 THEN r.night_limit_s ELSE r.day_limit_s END AS limit_s
    FROM spell s LEFT JOIN marts.dim_vehicle d ON d.vehicle_key = s.vehicle_key AND s.day BETWEEN d.from_day AND d.to_day
    JOIN raw.own_drive_rule r ON r.vehicle_class = coalesce(d.vehicle_class, 'freight')
), moved AS (
    SELECT vehicle_key, day, sum(s) AS drive_s,
        sum(s) FILTER (hour(to_at) >= 22 OR hour(to_at) < 6) AS night_drive_s,
        sum(greatest(0, least(s, driven_s - limit_s))) AS fatigue_s, min(from_at) AS first_move_at, max(to_at) AS last_move_at,
        -- counted on the day it begins
        count(*) FILTER (pause IS NULL OR epoch(pause) >= 1200) AS trip_cnt,
        min(from_at) FILTER (stopped_at IS NULL OR epoch(pause) >= 7200) AS depart_at,
        arg_min(coalesce(stopped_at, from_at - INTERVAL 24 HOUR), from_at) FILTER (stopped_at IS NULL OR epoch(pause) >= 7200) AS depart_after
    FROM clocked GROUP BY 1, 2
), way AS (
    SELECT vehicle_key, day, sum(km) FILTER (is_driving OR is_gap) AS km_total, sum(km) FILTER ((is_driving OR is_gap) AND hour(to_at) < 5) AS km_night05, sum(km) FILTER (is_driving AND NOT is_gap) AS km_complete
    FROM staging.stg_gps_step GROUP BY 1, 2
), drift AS (
    SELECT vehicle_key, day, count(*) FILTER (is_drift AND NOT is_frozen) AS drift_pts, count(*) FILTER (is_frozen) AS frozen_pts, count(*) FILTER (is_far) AS far_pts,
        count(*) FILTER (is_reset) AS odometer_resets FROM staging.stg_gps_step WHERE is_drift OR is_frozen OR is_far OR is_reset GROUP BY 1, 2
)
SELECT m.vehicle_key, m.day, m.pts, m.ok_pts - coalesce(d.drift_pts + d.frozen_pts, 0) AS pts_ok, coalesce(d.drift_pts, 0) AS drift_pts,
    round(coalesce(w.km_total, 0), 3) AS km_total, round(coalesce(w.km_complete, 0), 3) AS km_complete,
    round(coalesce(w.km_total, 0), 3) AS valid_km, m.first_valid_at, v.first_move_at, v.last_move_at, m.last_at,
    CAST(coalesce(v.drive_s, 0) AS INTEGER) AS drive_s, CAST(coalesce(v.night_drive_s, 0) AS INTEGER) AS night_drive_s,
    CAST(coalesce(v.fatigue_s, 0) AS INTEGER) AS fatigue_s, round(coalesce(w.km_night05, 0), 3) AS km_night05, v.depart_at, v.depart_after, CAST(coalesce(v.trip_cnt, 0) AS INTEGER) AS trip_cnt,
    m.time_pts, m.unfixed_pts + coalesce(d.frozen_pts, 0) AS unfixed_pts, m.range_pts, m.speed_pts, m.encrypted_pts, m.other_pts, m.makeup_pts, m.color_pts,
    coalesce(d.far_pts, 0) AS far_pts, coalesce(d.odometer_resets, 0) AS odometer_resets
FROM message m LEFT JOIN moved v USING (vehicle_key, day) LEFT JOIN way w USING (vehicle_key, day) LEFT JOIN drift d USING (vehicle_key, day)
