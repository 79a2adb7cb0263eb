-- The one row is an alarm. limit_s: seconds allowed for its level; speed_kmh, limit_kmh: of a speeding; lon, lat:
-- WGS-84 degrees; times naive Shanghai.
-- $uid: its number.
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
where alarm_uid = $uid
