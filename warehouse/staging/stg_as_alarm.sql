-- Active-safety messages with their meaning by profile. Events (code ≥ 16) and end marks (flag 2) are not alarms
-- (T/JSATL 12-2017); the same code means other things in other profiles.
select
    a.alarm_uid,
    vehicle_key(plate_norm(a.plate_no), plate_color_norm(a.plate_color)) as vehicle_key,
    a.alarm_time,
    cast(a.alarm_time as date) as day,
    a.person_key,
    a.profile,
    a.module,
    a.code,
    coalesce(a.level, 1) as level,
    a.speed_kmh,
    a.lon,
    a.lat,
    coalesce(p.name, '其他') as name,
    is_active_alarm(a.code, a.flag) as is_alarm,
    coalesce(p.is_top, false) as is_top,
    coalesce(p.is_fatigue, false) as is_fatigue
from raw.as_alarm a
left join raw.own_alarm_profile p using (profile, module, code)
