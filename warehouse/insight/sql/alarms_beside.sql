-- A row is another alarm that a vehicle raised on the day of one, first to last.
-- $vehicle: its key; $day: that day; $uid: the alarm beside which they stand.
select
    alarm_uid,
    vehicle_key,
    plate_mask,
    company_key,
    town_code,
    raised_at,
    kind,
    level,
    origin,
    result,
    is_handled,
    must_handle,
    is_due,
    is_ontime,
    is_clock_error,
    handled_at,
    limit_s,
    speed_kmh,
    limit_kmh,
    lon,
    lat
from marts.alarm_event
where vehicle_key = $vehicle and day = $day and alarm_uid <> $uid
order by raised_at
limit 20
