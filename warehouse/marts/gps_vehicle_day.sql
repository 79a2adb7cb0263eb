-- What each vehicle's positions say of each touched day: counts of messages by verdict, kilometres, driving time,
-- fatigue of the driver at the wheel, of the vehicle where nobody is recognised, beyond the class's limit (clock
-- reset by a stop of min_rest_s), first departure after a stop of ≥2
-- h.
with
    message as (
        select
            any_value(vehicle_key) as vehicle_key,
            day,
            count(*) as pts,
            count(*) filter (reason is null) as ok_pts,
            min(loc_time) filter (reason is null) as first_valid_at,
            max(loc_time) filter (reason is null) as last_at,
            count(*) filter (reason = 'time') as time_pts,
            count(*) filter (reason = 'unfixed') as unfixed_pts,
            count(*) filter (reason = 'range') as range_pts,
            count(*) filter (reason = 'speed') as speed_pts,
            count(*) filter (reason = 'encrypted') as encrypted_pts,
            count(*) filter (reason in ('altitude', 'direction', 'color')) as other_pts,
            count(*) filter (is_makeup) as makeup_pts,
            count(*) filter (color_repaired) as color_pts
        from staging.stg_gps_location
        where day in (select day from build.day)
        group by vehicle_no, day
    ),
    step as (select * from staging.stg_gps_step semi join build.part using (part)),
    -- who was at the wheel: recognised before or while the step was driven; before the first recognition of a spell
    -- the one recognised first
    recognised as (
        select
            vehicle_key(plate_norm(plate_no), plate_color_norm(plate_color)) as vehicle_key, recognized_at, person_key
        from raw.rdm_identity
        where result = 'match' and person_key is not null and _deleted_at is null
    ),
    seated as (
        select s.*, i.person_key, i.recognized_at
        from step s
        semi join recognised r on r.vehicle_key = s.vehicle_key
        asof left join recognised i on i.vehicle_key = s.vehicle_key and i.recognized_at <= s.to_at
        where s.is_driving
    ),
    driven as (
        select
            *,
            coalesce(
                case when recognized_at >= min(from_at) over spell - interval 30 minute then person_key end,
                arg_min(person_key, recognized_at) filter (recognized_at >= from_at - interval 30 minute) over spell
            ) as driver
        from seated
        window spell as (partition by vehicle_no, spell_no)
    ),
    turned as (
        select
            *,
            case
                when
                    driver
                    is distinct from lag(driver, 1, driver) over (partition by vehicle_no, spell_no order by to_at)
                then 1
                else 0
            end as turns
        from driven
    ),
    -- of a vehicle on which nobody was ever recognised each spell is one shift
    shift as (
        select
            vehicle_key,
            vehicle_no,
            spell_no,
            day,
            from_at,
            to_at,
            s,
            sum(turns) over (partition by vehicle_no, spell_no order by to_at) as shift_no
        from turned
        union all
        select s.vehicle_key, s.vehicle_no, s.spell_no, s.day, s.from_at, s.to_at, s.s, 0 as shift_no
        from step s
        anti join recognised r on r.vehicle_key = s.vehicle_key
        where s.is_driving
    ),
    clocked as (
        select
            s.*,
            sum(s.s) over (partition by s.vehicle_no, s.spell_no, s.shift_no order by s.to_at) as driven_s,
            case when hour(s.to_at) >= 22 or hour(s.to_at) < 6 then r.night_limit_s else r.day_limit_s end as limit_s
        from shift s
        left join marts.dim_vehicle d on d.vehicle_key = s.vehicle_key and s.day between d.from_day and d.to_day
        join raw.own_drive_rule r on r.vehicle_class = coalesce(d.vehicle_class, 'freight')
    ),
    moved as (
        select
            vehicle_key,
            day,
            sum(s) as drive_s,
            sum(s) filter (hour(to_at) >= 22 or hour(to_at) < 6) as night_drive_s,
            sum(greatest(0, least(s, driven_s - limit_s))) as fatigue_s,
            min(from_at) as first_move_at,
            max(to_at) as last_move_at
        from clocked
        group by 1, 2
    ),
    trip as (
        select vehicle_key, spell_no, min(day) as day, min(from_at) as from_at, max(to_at) as to_at
        from step
        where is_trip
        group by all
    ),
    before as (
        select
            t.*,
            lag(t.to_at) over (partition by t.vehicle_key order by t.from_at) as trip_before,
            s.from_at as stopped_at,
            s.stop_s
        from trip t
        left join marts.gps_stop s on s.vehicle_key = t.vehicle_key and s.to_at = t.from_at and s.kind = 'stand'
    ),
    unseen as (select vehicle_key, min(to_at) as to_at from step where kind = 'unseen' group by all),
    -- a departure leaves a stop of two hours; also the first one of which nothing before is known
    departure as (
        select
            b.vehicle_key,
            b.day,
            b.from_at,
            b.trip_before is null and coalesce(u.to_at > b.from_at, true) as is_first,
            case when is_first then b.from_at - interval 24 hour else b.stopped_at end as departs_after,
            is_first or coalesce(b.stop_s >= 7200, false) as departs
        from before b
        left join unseen u using (vehicle_key)
    ),
    departed as (
        select
            vehicle_key,
            day,
            -- counted on the day it begins
            count(*) as trip_cnt,
            min(from_at) filter (departs) as depart_at,
            arg_min(departs_after, from_at) filter (departs) as depart_after
        from departure
        group by 1, 2
    ),
    way as (
        select
            vehicle_key,
            day,
            sum(km) filter (is_driving or is_gap) as km_total,
            sum(km) filter ((is_driving or is_gap) and hour(to_at) < 5) as km_night05,
            sum(km) filter (is_driving and not is_gap) as km_complete,
            sum(km) filter (is_trip and not is_gap) as km_trip,
            sum(km) filter (is_driving and not is_trip and not is_gap) as km_outside,
            sum(km) filter (is_gap) as km_unseen,
            sum(driven_km) filter (s <= 43200) as odometer_km
        from step
        group by 1, 2
    ),
    drift as (
        select
            vehicle_key,
            day,
            count(*) filter (is_drift and not is_frozen) as drift_pts,
            count(*) filter (is_frozen) as frozen_pts,
            count(*) filter (is_far) as far_pts,
            count(*) filter (is_reset) as odometer_resets
        from step
        where is_drift or is_frozen or is_far or is_reset
        group by 1, 2
    )
select
    m.vehicle_key,
    m.day,
    m.pts,
    m.ok_pts - coalesce(d.frozen_pts, 0) as pts_ok,
    coalesce(d.drift_pts, 0) as drift_pts,
    round(coalesce(w.km_total, 0), 3) as km_total,
    round(coalesce(w.km_complete, 0), 3) as km_complete,
    round(coalesce(w.km_total, 0), 3) as valid_km,
    round(coalesce(w.km_trip, 0), 3) as km_trip,
    round(coalesce(w.km_outside, 0), 3) as km_outside,
    round(coalesce(w.km_unseen, 0), 3) as km_unseen,
    round(w.odometer_km, 1) as odometer_km,
    m.first_valid_at,
    v.first_move_at,
    v.last_move_at,
    m.last_at,
    cast(coalesce(v.drive_s, 0) as integer) as drive_s,
    cast(coalesce(v.night_drive_s, 0) as integer) as night_drive_s,
    cast(coalesce(v.fatigue_s, 0) as integer) as fatigue_s,
    round(coalesce(w.km_night05, 0), 3) as km_night05,
    p.depart_at,
    p.depart_after,
    cast(coalesce(p.trip_cnt, 0) as integer) as trip_cnt,
    m.time_pts,
    m.unfixed_pts + coalesce(d.frozen_pts, 0) as unfixed_pts,
    m.range_pts,
    m.speed_pts,
    m.encrypted_pts,
    m.other_pts,
    m.makeup_pts,
    m.color_pts,
    coalesce(d.far_pts, 0) as far_pts,
    coalesce(d.odometer_resets, 0) as odometer_resets
from message m
left join moved v using (vehicle_key, day)
left join departed p using (vehicle_key, day)
left join way w using (vehicle_key, day)
left join drift d using (vehicle_key, day)
