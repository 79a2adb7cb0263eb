-- Active-safety alarms of a vehicle and day by type and level: what the counts need of a very large table.
SELECT a.vehicle_key, a.day, v.company_key, coalesce(v.town_code, '') AS town_code, v.vehicle_key IS NOT NULL AS is_v, a.profile, a.module, a.code, a.level, a.name, a.is_top,
    count(*) AS alarm_cnt
FROM staging.stg_as_alarm a LEFT JOIN marts.dim_vehicle v ON v.vehicle_key = a.vehicle_key AND a.day BETWEEN v.from_day AND v.to_day AND v.status = '营运' AND NOT v.is_trailer
WHERE a.is_alarm AND a.day IN (SELECT day FROM build.day) GROUP BY ALL
