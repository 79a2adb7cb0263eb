-- A row is an alarm of a company's vehicles that must be handled, open ones first, then the newest.
-- $company: its key; $since: the first day that counts; $most: rows at most.
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
where company_key = $company and day >= $since and must_handle
order by is_handled, raised_at desc, alarm_uid
limit $most
