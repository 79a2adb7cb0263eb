-- A row is what lay between two trips of a vehicle, first to last. kind: stand = it stood for twenty minutes and
-- longer,
-- silent = no data for that long, unseen = no data, and then moved_km elsewhere. stop_s: seconds, silent_s: those of
-- them without data; lon, lat WGS-84; times naive Shanghai; restricted file.
-- $vehicle: its key; $day: the day on which it ended.
select kind, from_at, to_at, stop_s, silent_s, moved_km, lon, lat
from marts.gps_stop
where vehicle_key = $vehicle and day = $day
order by from_at
