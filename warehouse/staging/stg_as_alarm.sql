-- Active-safety messages with their meaning by profile. Events (code ≥ 16) and end marks (flag 2) are not alarms
-- (T/JSATL 12-2017); the same code means other things in other profiles.
SELECT a.alarm_uid, vehicle_key(plate_norm(a.plate_no), plate_color_norm(a.plate_color)) AS vehicle_key, a.alarm_time, CAST(a.alarm_time AS DATE) AS day,
    a.person_key, a.profile, a.module, a.code, coalesce(a.level, 1) AS level, a.speed_kmh, a.lon, a.lat, coalesce(p.name, '其他') AS name,
    is_active_alarm(a.code, a.flag) AS is_alarm, coalesce(p.is_top, false) AS is_top, coalesce(p.is_fatigue, false) AS is_fatigue
FROM raw.as_alarm a LEFT JOIN raw.own_alarm_profile p USING (profile, module, code)
