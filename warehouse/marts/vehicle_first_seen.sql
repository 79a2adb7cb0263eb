-- The day a vehicle first sent a qualified position: from then on it is networked (已入网).
select vehicle_key, min(day) as first_day from marts.vehicle_activity where pts_ok > 0 group by 1
