-- The newest qualified position of every vehicle in service, in three states: running (≤10 min old, ≥5 km/h), parked (≤10 min old), offline.
SELECT v.vehicle_key, CAST(k.as_of AS DATE) AS day, v.company_key, v.town_code, l.loc_time,
    CASE WHEN l.loc_time > k.as_of - INTERVAL 10 MINUTE THEN CASE WHEN l.speed_kmh >= 5 THEN 'running' ELSE 'parked' END ELSE 'offline' END AS state
FROM marts.dim_vehicle v CROSS JOIN build.clock k LEFT JOIN raw.gps_latest l ON l.vehicle_key = v.vehicle_key AND l.loc_time <= k.as_of + INTERVAL 60 SECOND
WHERE CAST(k.as_of AS DATE) BETWEEN v.from_day AND v.to_day AND v.status = '营运' AND NOT v.is_trailer
