-- One row a vehicle and day: everyone in the register on that day, and anyone else who sent positions. The flags are the
-- population symbols of the catalogue: is_v = V, is_vh = VH, is_networked = VN.
WITH population AS (
    SELECT d.day, v.* FROM build.day d JOIN marts.dim_vehicle v ON d.day BETWEEN v.from_day AND v.to_day
), activity AS (
    SELECT * FROM marts.vehicle_activity WHERE day IN (SELECT day FROM build.day)
), overspeed AS (
    SELECT vehicle_key, CAST(start_at AS DATE) AS day, count(*) AS overspeed_cnt FROM staging.stg_gps_alarm
    WHERE is_overspeed_event AND CAST(start_at AS DATE) IN (SELECT day FROM build.day) GROUP BY 1, 2
), pretrip AS (
    SELECT a.vehicle_key, a.day, c.checked_at >= a.depart_after AS is_checked
    FROM (SELECT vehicle_key, day, depart_at, depart_after FROM activity WHERE valid_km >= 5 AND depart_at IS NOT NULL) a
    ASOF LEFT JOIN (SELECT vehicle_key, checked_at FROM staging.stg_rdm_check WHERE check_type = 1 AND complete) c
    ON c.vehicle_key = a.vehicle_key AND c.checked_at <= a.depart_at
), device AS (
    SELECT DISTINCT t.vehicle_key, d.day FROM raw.as_device_day d JOIN staging.stg_gps_terminal t ON t.terminal_id = d.terminal_id AND d.day BETWEEN t.from_day AND t.to_day
    WHERE d.day IN (SELECT day FROM build.day)
), active AS (
    SELECT vehicle_key, day, CAST(sum(alarm_cnt) FILTER (module = 100 AND level = 1) AS INTEGER) AS adas1_cnt, CAST(sum(alarm_cnt) FILTER (module = 100 AND level = 2) AS INTEGER) AS adas2_cnt,
        CAST(sum(alarm_cnt) FILTER (module = 101 AND level = 1) AS INTEGER) AS dsm1_cnt, CAST(sum(alarm_cnt) FILTER (module = 101 AND level = 2) AS INTEGER) AS dsm2_cnt, CAST(sum(alarm_cnt) FILTER (module IN (100, 101)) AS INTEGER) AS active_cnt
    FROM marts.as_alarm_day WHERE day IN (SELECT day FROM build.day) GROUP BY 1, 2
), penalty AS (
    SELECT vehicle_key(plate_norm(plate_no), plate_color_norm(plate_color)) AS vehicle_key, act_date AS day, count(*) AS overlimit_cnt FROM raw.yz_penalty
    WHERE act_type = '超限超载' AND coalesce(status, '') <> '撤销' AND _deleted_at IS NULL AND act_date IN (SELECT day FROM build.day) GROUP BY 1, 2
), joined AS (
    SELECT coalesce(p.vehicle_key, a.vehicle_key) AS vehicle_key, coalesce(p.day, a.day) AS day, p.company_key,
        coalesce(p.town_code, '') AS town_code, p.status, p.energy, p.vehicle_class, p.veh_type, coalesce(p.is_trailer, false) AS is_trailer,
        p.vehicle_key IS NOT NULL AND p.status = '营运' AND NOT p.is_trailer AS is_v, coalesce(p.is_heavy, false) AS is_heavy, p.is_diesel, p.emission_stage,
        coalesce(p.review_due >= p.day, true) AS is_reviewed,
        coalesce(p.is_over45, false) AS is_over45, coalesce(p.day BETWEEN p.stop_from AND coalesce(p.stop_to, DATE '9999-12-31'), false) AS is_stopped,
        a.* EXCLUDE (vehicle_key, day)
    FROM population p FULL JOIN activity a ON a.vehicle_key = p.vehicle_key AND a.day = p.day
)
SELECT j.vehicle_key, j.day, j.company_key, j.town_code, j.energy, j.vehicle_class, j.is_trailer, j.is_v, j.is_v AND j.is_over45 AS is_v45,
    j.is_v AND j.is_heavy AS is_vh, j.is_v AND j.is_heavy AND coalesce(f.first_day <= j.day, false) AS is_networked, j.is_stopped,
    coalesce(j.is_diesel, false) AS is_diesel, j.emission_stage, m.vehicle_key IS NOT NULL AND j.is_reviewed AS is_permitted,
    coalesce(j.pts_ok, 0) > 0 AS is_online, coalesce(j.pts, 0) AS pts, coalesce(j.pts_ok, 0) AS pts_ok, coalesce(j.drift_pts, 0) AS drift_pts,
    j.km_total, j.km_complete, CASE WHEN j.valid_km <= 1500 THEN j.valid_km END AS valid_km, j.km_night05, j.drive_s, j.night_drive_s, coalesce(j.fatigue_s, 0) AS fatigue_s,
    j.trip_cnt, coalesce(o.overspeed_cnt, 0) AS overspeed_cnt, t.day IS NOT NULL AS pretrip_due, coalesce(t.is_checked, false) AS pretrip_done,
    d.vehicle_key IS NOT NULL AS has_device, s.adas1_cnt, s.adas2_cnt, s.dsm1_cnt, s.dsm2_cnt, s.active_cnt, i.trips AS identity_cnt, i.matched AS identity_match_cnt,
    n.overlimit_cnt, j.origin
FROM joined j LEFT JOIN marts.vehicle_first_seen f ON f.vehicle_key = j.vehicle_key
LEFT JOIN overspeed o ON o.vehicle_key = j.vehicle_key AND o.day = j.day
LEFT JOIN pretrip t ON t.vehicle_key = j.vehicle_key AND t.day = j.day
LEFT JOIN device d ON d.vehicle_key = j.vehicle_key AND d.day = j.day
LEFT JOIN active s ON s.vehicle_key = j.vehicle_key AND s.day = j.day
LEFT JOIN marts.identity_day i ON i.vehicle_key = j.vehicle_key AND i.day = j.day
LEFT JOIN penalty n ON n.vehicle_key = j.vehicle_key AND n.day = j.day
LEFT JOIN staging.stg_permit m ON m.vehicle_key = j.vehicle_key AND j.day BETWEEN m.from_day AND m.to_day
