-- A row is a stop of a vehicle between its trips, twenty minutes and longer, first to last: seconds, lon, lat WGS-84;
-- times naive Shanghai; restricted file.
-- $vehicle: its key; $day: the day on which it ended.
select from_at, to_at, stop_s, lon, lat from marts.gps_stop where vehicle_key = $vehicle and day = $day order by from_at
