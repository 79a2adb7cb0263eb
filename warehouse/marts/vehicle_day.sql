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
), joined AS (
    SELECT coalesce(p.vehicle_key, a.vehicle_key) AS vehicle_key, coalesce(p.day, a.day) AS day, p.company_key,
        coalesce(p.town_code, '') AS town_code, p.status, p.energy, p.vehicle_class, p.veh_type, coalesce(p.is_trailer, false) AS is_trailer,
        p.vehicle_key IS NOT NULL AND p.status = '营运' AND NOT p.is_trailer AS is_v, coalesce(p.is_heavy, false) AS is_heavy,
        coalesce(p.is_over45, false) AS is_over45, coalesce(p.day BETWEEN p.stop_from AND coalesce(p.stop_to, DATE '9999-12-31'), false) AS is_stopped,
        a.* EXCLUDE (vehicle_key, day)
    FROM population p FULL JOIN activity a ON a.vehicle_key = p.vehicle_key AND a.day = p.day
)
SELECT j.vehicle_key, j.day, j.company_key, j.town_code, j.energy, j.vehicle_class, j.is_trailer, j.is_v, j.is_v AND j.is_over45 AS is_v45,
    j.is_v AND j.is_heavy AS is_vh, j.is_v AND j.is_heavy AND coalesce(f.first_day <= j.day, false) AS is_networked, j.is_stopped,
    coalesce(j.pts_ok, 0) > 0 AS is_online, coalesce(j.pts, 0) AS pts, coalesce(j.pts_ok, 0) AS pts_ok, coalesce(j.drift_pts, 0) AS drift_pts,
    j.km_total, j.km_complete, CASE WHEN j.valid_km <= 1500 THEN j.valid_km END AS valid_km, j.drive_s, j.night_drive_s, coalesce(j.fatigue_s, 0) AS fatigue_s,
    coalesce(o.overspeed_cnt, 0) AS overspeed_cnt, t.day IS NOT NULL AS pretrip_due, coalesce(t.is_checked, false) AS pretrip_done, j.origin
FROM joined j LEFT JOIN marts.vehicle_first_seen f ON f.vehicle_key = j.vehicle_key
LEFT JOIN overspeed o ON o.vehicle_key = j.vehicle_key AND o.day = j.day
LEFT JOIN pretrip t ON t.vehicle_key = j.vehicle_key AND t.day = j.day
