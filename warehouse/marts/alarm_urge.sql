-- Urges (督办) with their answer; company and town are the vehicle's owner at the alarm. due: the deadline has passed.
WITH alarm AS (
    SELECT alarm_uid, vehicle_key(plate_norm(plate_no), plate_color_norm(plate_color)) AS vehicle_key, CAST(start_at AS DATE) AS day FROM raw.gps_alarm
    UNION ALL SELECT alarm_uid, vehicle_key, day FROM staging.stg_as_alarm WHERE level = 2
)
SELECT u.urge_id, u.alarm_uid, CAST(u.sent_at AS DATE) AS day, v.company_key, coalesce(v.town_code, '') AS town_code, u.level = 0 AS is_urgent,
    v.vehicle_key IS NOT NULL AS is_ours, u.deadline <= k.as_of AS is_due, coalesce(u.answer_result = 1 AND u.answered_at <= u.deadline, false) AS is_done
FROM raw.gps_alarm_urge u CROSS JOIN build.clock k LEFT JOIN alarm a USING (alarm_uid)
LEFT JOIN marts.dim_vehicle v ON v.vehicle_key = a.vehicle_key AND a.day BETWEEN v.from_day AND v.to_day
