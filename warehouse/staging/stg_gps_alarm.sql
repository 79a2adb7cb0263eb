-- Platform alarms; one overspeed report within a minute of the last of the same vehicle is the same event, and an event
-- counts only from 30 s on (2016 rule). Other types pass unmerged.
WITH alarm AS (
    SELECT *, vehicle_key(plate_norm(plate_no), plate_color_norm(plate_color)) AS vehicle_key FROM raw.gps_alarm
), marked AS (
    SELECT *, CASE WHEN is_same_event(warn_type, start_at - lag(coalesce(end_at, start_at)) OVER (PARTITION BY vehicle_key, warn_type ORDER BY start_at, alarm_uid))
        THEN 0 ELSE 1 END AS is_new FROM alarm
), grouped AS (
    SELECT *, sum(is_new) OVER (PARTITION BY vehicle_key, warn_type ORDER BY start_at, alarm_uid) AS event_no FROM marked
)
SELECT alarm_uid, vehicle_key, warn_type, level, start_at, end_at, speed_kmh, limit_kmh, lon, lat, is_new = 1 AS is_first,
    warn_type = 1 AND is_new = 1 AND epoch(max(coalesce(end_at, start_at)) OVER (PARTITION BY vehicle_key, warn_type, event_no)
        - min(start_at) OVER (PARTITION BY vehicle_key, warn_type, event_no)) > 30 AS is_overspeed_event
FROM grouped
