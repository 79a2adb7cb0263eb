-- Alarms with their clock: platform alarms, and active-safety alarms of level 2. due: level 2 or a configured type, and the
-- time allowed for its level is over at the generation's moment. Handled before it was raised is a clock error: out of both
-- sides (D05).
WITH event AS (
    SELECT a.alarm_uid, a.vehicle_key, a.start_at, a.warn_type, coalesce(a.level, 1) AS level, coalesce(t.name, '其他') AS kind, 'platform' AS origin,
        alarm_must_handle(a.level, t.is_due) AS must_handle, a.speed_kmh, a.limit_kmh, a.lon, a.lat
    FROM staging.stg_gps_alarm a LEFT JOIN raw.own_alarm_type t USING (warn_type) WHERE a.is_first
    UNION ALL
    SELECT alarm_uid, vehicle_key, alarm_time, module * 256 + code, level, name, 'active', true, speed_kmh, NULL, lon, lat FROM staging.stg_as_alarm WHERE is_alarm AND level = 2
)
SELECT a.alarm_uid, a.vehicle_key, plate_mask(a.vehicle_key) AS plate_mask, v.company_key, coalesce(v.town_code, '') AS town_code, CAST(a.start_at AS DATE) AS day, a.start_at AS raised_at,
    a.warn_type, a.kind, a.level, a.origin, v.vehicle_key IS NOT NULL AS is_v, a.must_handle,
    a.must_handle AND a.start_at + to_seconds(s.limit_s) <= k.as_of AS is_due,
    h.handled_at < a.start_at AS is_clock_error,
    alarm_is_handled(h.result, h.reason) AS is_handled,
    coalesce(alarm_is_handled(h.result, h.reason) AND h.handled_at <= a.start_at + to_seconds(s.limit_s), false) AS is_ontime,
    h.result, h.handled_at, h.action, s.limit_s, a.speed_kmh, a.limit_kmh, a.lon, a.lat
FROM event a CROSS JOIN build.clock k
LEFT JOIN marts.dim_vehicle v ON v.vehicle_key = a.vehicle_key AND CAST(a.start_at AS DATE) BETWEEN v.from_day AND v.to_day AND v.status = '营运' AND NOT v.is_trailer
LEFT JOIN raw.own_sla s ON s.level = a.level
LEFT JOIN staging.stg_rdm_alarm_handle h USING (alarm_uid)
