-- A row is a trip of a vehicle that ended on a day, first to last: kilometres, seconds driven and rested; path: one
-- point (at, lon, lat) a minute, WGS-84; times naive Shanghai; restricted file.
-- $vehicle: its key; $day: that day.
select from_at, to_at, km, drive_s, rest_s, path
from marts.gps_trip
where vehicle_key = $vehicle and day = $day
order by from_at
