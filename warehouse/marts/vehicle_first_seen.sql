-- The day a vehicle first sent a qualified position: from then on it is networked (已入网).
SELECT vehicle_key, min(day) AS first_day FROM marts.vehicle_activity WHERE pts_ok > 0 GROUP BY 1
