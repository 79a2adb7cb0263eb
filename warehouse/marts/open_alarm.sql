-- Alarms of the last day that must be handled and are not, straight from what has landed: the live picture is half a minute old, not five.
-- What an alarm is, what must be handled and what counts as handled are the same words as in marts.alarm_event.
WITH since AS (
    SELECT as_of - INTERVAL 1 DAY AS since_at FROM build.clock
), platform AS (
    SELECT
        a.alarm_uid,
        vehicle_key(plate_norm(a.plate_no), plate_color_norm(a.plate_color)) AS vehicle_key,
        a.start_at,
        a.end_at,
        a.warn_type,
        coalesce(t.name, '其他') AS kind,
        coalesce(a.level, 1) AS level,
        alarm_must_handle(a.level, t.is_due) AS must_handle,
        a._seq
    FROM raw.gps_alarm a
    LEFT JOIN raw.own_alarm_type t USING (warn_type)
    WHERE a.start_at >= (SELECT since_at FROM since)
), first_of_event AS (
    SELECT * FROM platform
    QUALIFY NOT is_same_event(warn_type, start_at - lag(coalesce(end_at, start_at)) OVER (PARTITION BY vehicle_key, warn_type ORDER BY start_at, alarm_uid))
), alarm AS (
    SELECT alarm_uid, vehicle_key, start_at AS raised_at, kind, level, _seq FROM first_of_event WHERE must_handle
    UNION ALL
    SELECT
        s.alarm_uid,
        vehicle_key(plate_norm(s.plate_no), plate_color_norm(s.plate_color)),
        s.alarm_time,
        coalesce(p.name, '其他'),
        s.level,
        s._seq
    FROM raw.as_alarm s
    LEFT JOIN raw.own_alarm_profile p USING (profile, module, code)
    WHERE s.alarm_time >= (SELECT since_at FROM since) AND s.level = 2 AND is_active_alarm(s.code, s.flag)
), last_step AS (
    SELECT alarm_uid, result, reason
    FROM raw.rdm_alarm_handle
    WHERE alarm_uid IN (SELECT alarm_uid FROM alarm)
    QUALIFY row_number() OVER (PARTITION BY alarm_uid ORDER BY step DESC, _version DESC, _seq DESC, _row DESC) = 1
)
SELECT a.alarm_uid, a.vehicle_key, a.raised_at, a.kind, a.level, a._seq
FROM alarm a
LEFT JOIN last_step h USING (alarm_uid)
WHERE NOT alarm_is_handled(h.result, h.reason)
