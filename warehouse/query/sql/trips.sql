-- A row is a trip of a vehicle that ended on a day (kind drive), or a way of which there are no data (kind unseen: path
-- NULL, drive_s 0), first to last: kilometres, those without data among them (gap_km), seconds driven and rested
-- (NULL =
-- not known); path: one point (at, lon, lat, is_unseen) a minute, WGS-84, is_unseen = no data on the way to it;
-- from_, to_
-- degrees; times naive Shanghai; restricted file.
-- $vehicle: its key; $day: that day.
select kind, from_at, to_at, km, gap_km, drive_s, rest_s, from_lon, from_lat, to_lon, to_lat, path
from marts.gps_trip
where vehicle_key = $vehicle and day = $day
order by from_at
