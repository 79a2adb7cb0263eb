-- Platform alarms; one overspeed report within a minute of the last of the same vehicle is the same event, and an
-- event counts only from 30 s on (2016 rule). Other types pass unmerged.
with
    alarm as (
        select *, vehicle_key(plate_norm(plate_no), plate_color_norm(plate_color)) as vehicle_key from raw.gps_alarm
    ),
    marked as (
        select
            *,
            case
                when
                    is_same_event(
                        warn_type,
                        start_at - lag(coalesce(end_at, start_at)) over (
                            partition by vehicle_key, warn_type order by start_at, alarm_uid
                        )
                    )
                then 0
                else 1
            end as is_new
        from alarm
    ),
    grouped as (
        select *, sum(is_new) over (partition by vehicle_key, warn_type order by start_at, alarm_uid) as event_no
        from marked
    )
select
    alarm_uid,
    vehicle_key,
    warn_type,
    level,
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
