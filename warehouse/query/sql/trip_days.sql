-- A row is one of the last 31 days on which a vehicle ended a trip, newest first; restricted file.
-- $vehicle: its key.
select distinct day from marts.gps_trip where vehicle_key = $vehicle and kind = 'drive' order by day desc limit 31
