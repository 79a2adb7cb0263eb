-- Platform alarms; an overspeed report that begins within a minute of the end of any earlier one of the same vehicle is
-- the same event, and an event counts only from 30 s on (2016 rule). Other types pass unmerged. event_uid: the first
-- report of the event; level: of the first the highest of all, so that no duty is lost in merging.
with
    alarm as (
        select *, vehicle_key(plate_norm(plate_no), plate_color_norm(plate_color)) as vehicle_key from raw.gps_alarm
    ),
    marked as (select *, begins_event(vehicle_key, warn_type, alarm_uid, start_at, end_at) as is_new from alarm),
    grouped as (
        select *, sum(is_new) over (partition by vehicle_key, warn_type order by start_at, alarm_uid) as event_no
        from marked
    )
select
    alarm_uid,
    first_value(alarm_uid) over (
        partition by vehicle_key, warn_type, event_no order by start_at, alarm_uid
    ) as event_uid,
    vehicle_key,
    warn_type,
    case when is_new = 1 then max(level) over (partition by vehicle_key, warn_type, event_no) else level end as level,
    start_at,
    end_at,
    speed_kmh,
    limit_kmh,
    lon,
    lat,
    is_new = 1 as is_first,
    warn_type = 1
    and is_new = 1
    and epoch(
        max(coalesce(end_at, start_at)) over (partition by vehicle_key, warn_type, event_no)
        - min(start_at) over (partition by vehicle_key, warn_type, event_no)
    )
    > 30 as is_overspeed_event
from grouped
