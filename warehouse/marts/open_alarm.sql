-- Alarms of the last day that must be handled and are not, straight from what has landed: the live picture is half a
-- minute old, not five. What an alarm is, what must be handled and what counts as handled are the same words as in
-- marts.alarm_event.
with
    since as (select as_of - interval 1 day as since_at from build.clock),
    platform as (
        select
            a.alarm_uid,
            vehicle_key(plate_norm(a.plate_no), plate_color_norm(a.plate_color)) as vehicle_key,
            a.start_at,
            a.end_at,
            a.warn_type,
            coalesce(t.name, '其他') as kind,
            coalesce(a.level, 1) as level,
            alarm_must_handle(a.level, t.is_due) as must_handle,
            a._seq
        from raw.gps_alarm a
        left join raw.own_alarm_type t using (warn_type)
        where a.start_at >= (select since_at from since)
    ),
    marked as (select *, begins_event(vehicle_key, warn_type, alarm_uid, start_at, end_at) as is_new from platform),
    numbered as (
        select *, sum(is_new) over (partition by vehicle_key, warn_type order by start_at, alarm_uid) as event_no
        from marked
    ),
    report as (
        select
            *,
            first_value(alarm_uid) over (
                partition by vehicle_key, warn_type, event_no order by start_at, alarm_uid
            ) as event_uid
        from numbered
    ),
    first_of_event as (
        select
            event_uid as alarm_uid,
            vehicle_key,
            min(start_at) as start_at,
            arg_min(kind, (start_at, alarm_uid)) as kind,
            max(level) as level,
            bool_or(must_handle) as must_handle,
            max(_seq) as _seq
        from report
        group by 1, 2
    ),
    alarm as (
        select alarm_uid, vehicle_key, start_at as raised_at, kind, level, _seq
        from first_of_event
        where must_handle
        union all
        select
            s.alarm_uid,
            vehicle_key(plate_norm(s.plate_no), plate_color_norm(s.plate_color)),
            s.alarm_time,
            coalesce(p.name, '其他'),
            s.level,
            s._seq
        from raw.as_alarm s
        left join raw.own_alarm_profile p using (profile, module, code)
        where s.alarm_time >= (select since_at from since) and s.level = 2 and is_active_alarm(s.code, s.flag)
    ),
    last_step as (
        select coalesce(r.event_uid, h.alarm_uid) as alarm_uid, h.result, h.reason
        from raw.rdm_alarm_handle h
        left join report r using (alarm_uid)
        where coalesce(r.event_uid, h.alarm_uid) in (select alarm_uid from alarm)
        qualify
            row_number() over (partition by h.alarm_uid order by h.step desc, h._version desc, h._seq desc, h._row desc)
            = 1
    )
select a.alarm_uid, a.vehicle_key, a.raised_at, a.kind, a.level, a._seq
from alarm a
where a.alarm_uid not in (select alarm_uid from last_step where alarm_is_handled(result, reason))
