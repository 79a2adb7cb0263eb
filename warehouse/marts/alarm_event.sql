-- Alarms with their clock: platform alarms, and active-safety alarms of level 2. due: level 2 or a configured type,
-- and the time allowed for its level is over at the generation's moment. Handled before it was raised is a clock
-- error: out of both sides (D05).
with
    event as (
        select
            a.alarm_uid,
            a.vehicle_key,
            a.start_at,
            a.warn_type,
            coalesce(a.level, 1) as level,
            coalesce(t.name, '其他') as kind,
            'platform' as origin,
            alarm_must_handle(a.level, t.is_due) as must_handle,
            a.speed_kmh,
            a.limit_kmh,
            a.lon,
            a.lat
        from staging.stg_gps_alarm a
        left join raw.own_alarm_type t using (warn_type)
        where a.is_first
        union all
        select
            alarm_uid,
            vehicle_key,
            alarm_time,
            module * 256 + code,
            level,
            name,
            'active',
            true,
            speed_kmh,
            null,
            lon,
            lat
        from staging.stg_as_alarm
        where is_alarm and level = 2
    ),
    -- reports that are one event have been handled when one of them has
    handling as (
        select coalesce(g.event_uid, h.alarm_uid) as alarm_uid, h.result, h.reason, h.handled_at, h.action
        from staging.stg_rdm_alarm_handle h
        left join staging.stg_gps_alarm g using (alarm_uid)
        qualify
            row_number() over (
                partition by coalesce(g.event_uid, h.alarm_uid)
                order by alarm_is_handled(h.result, h.reason) desc, h.handled_at nulls last, h.alarm_uid
            )
            = 1
    ),
    -- once a vehicle, not once an alarm
    mask as (select vehicle_key, plate_mask(vehicle_key) as plate_mask from (select distinct vehicle_key from event))
select
    a.alarm_uid,
    a.vehicle_key,
    coalesce(m.plate_mask, '') as plate_mask,
    v.company_key,
    coalesce(v.town_code, '') as town_code,
    cast(a.start_at as date) as day,
    a.start_at as raised_at,
    a.warn_type,
    a.kind,
    a.level,
    a.origin,
    v.vehicle_key is not null as is_v,
    a.must_handle,
    a.must_handle and a.start_at + to_seconds(s.limit_s) <= k.as_of as is_due,
    h.handled_at < a.start_at as is_clock_error,
    alarm_is_handled(h.result, h.reason) as is_handled,
    coalesce(
        alarm_is_handled(h.result, h.reason) and h.handled_at <= a.start_at + to_seconds(s.limit_s), false
    ) as is_ontime,
    h.result,
    h.handled_at,
    h.action,
    s.limit_s,
    a.speed_kmh,
    a.limit_kmh,
    a.lon,
    a.lat
from event a
cross join build.clock k
left join
    marts.dim_vehicle v
    on v.vehicle_key = a.vehicle_key
    and cast(a.start_at as date) between v.from_day and v.to_day
    and v.status = '营运'
    and not v.is_trailer
left join raw.own_sla s on s.level = a.level
left join mask m on m.vehicle_key = a.vehicle_key
left join handling h using (alarm_uid)
