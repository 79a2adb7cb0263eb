-- One row a vehicle and day: everyone in the register on that day, and anyone else who sent positions. The flags are
-- the population symbols of the catalogue: is_v = V, is_vh = VH, is_networked = VN.
with
    population as (
        select d.day, v.* from build.day d join marts.dim_vehicle v on d.day between v.from_day and v.to_day
    ),
    activity as (select * from marts.vehicle_activity where day in (select day from build.day)),
    overspeed as (
        select vehicle_key, cast(start_at as date) as day, count(*) as overspeed_cnt
        from staging.stg_gps_alarm
        where is_overspeed_event and cast(start_at as date) in (select day from build.day)
        group by 1, 2
    ),
    pretrip as (
        select a.vehicle_key, a.day, c.checked_at >= a.depart_after as is_checked
        from
            (
                select vehicle_key, day, depart_at, depart_after
                from activity
                where valid_km >= 5 and depart_at is not null
            ) a
        asof left join
            (select vehicle_key, checked_at from staging.stg_rdm_check where check_type = 1 and complete) c
            on c.vehicle_key = a.vehicle_key
            and c.checked_at <= a.depart_at
    ),
    device as (
        select distinct t.vehicle_key, d.day
        from raw.as_device_day d
        join staging.stg_gps_terminal t on t.terminal_id = d.terminal_id and d.day between t.from_day and t.to_day
        where d.day in (select day from build.day)
    ),
    active as (
        select
            vehicle_key,
            day,
            cast(sum(alarm_cnt) filter (module = 100 and level = 1) as integer) as adas1_cnt,
            cast(sum(alarm_cnt) filter (module = 100 and level = 2) as integer) as adas2_cnt,
            cast(sum(alarm_cnt) filter (module = 101 and level = 1) as integer) as dsm1_cnt,
            cast(sum(alarm_cnt) filter (module = 101 and level = 2) as integer) as dsm2_cnt,
            cast(sum(alarm_cnt) filter (module in (100, 101)) as integer) as active_cnt
        from marts.as_alarm_day
        where day in (select day from build.day)
        group by 1, 2
    ),
    penalty as (
        select
            vehicle_key(plate_norm(plate_no), plate_color_norm(plate_color)) as vehicle_key,
            act_date as day,
            count(*) as overlimit_cnt
        from raw.yz_penalty
        where
            act_type = '超限超载'
            and coalesce(status, '') <> '撤销'
            and _deleted_at is null
            and act_date in (select day from build.day)
        group by 1, 2
    ),
    joined as (
        select
            coalesce(p.vehicle_key, a.vehicle_key) as vehicle_key,
            coalesce(p.day, a.day) as day,
            p.company_key,
            coalesce(p.town_code, '') as town_code,
            p.status,
            p.energy,
            p.vehicle_class,
            p.veh_type,
            coalesce(p.is_trailer, false) as is_trailer,
            p.vehicle_key is not null and p.status = '营运' and not p.is_trailer as is_v,
            coalesce(p.is_heavy, false) as is_heavy,
            p.is_diesel,
            p.emission_stage,
            coalesce(p.review_due >= p.day, true) as is_reviewed,
            coalesce(p.is_over45, false) as is_over45,
            coalesce(p.day between p.stop_from and coalesce(p.stop_to, date '9999-12-31'), false) as is_stopped,
            a.* exclude (vehicle_key, day)
        from population p
        full join activity a on a.vehicle_key = p.vehicle_key and a.day = p.day
    )
select
    j.vehicle_key,
    j.day,
    j.company_key,
    j.town_code,
    j.energy,
    j.vehicle_class,
    j.is_trailer,
    j.is_v,
    j.is_v and j.is_over45 as is_v45,
    j.is_v and j.is_heavy as is_vh,
    j.is_v and j.is_heavy and coalesce(f.first_day <= j.day, false) as is_networked,
    j.is_stopped,
    coalesce(j.is_diesel, false) as is_diesel,
    j.emission_stage,
    m.vehicle_key is not null and j.is_reviewed as is_permitted,
    coalesce(j.pts_ok, 0) > 0 as is_online,
    coalesce(j.pts, 0) as pts,
    coalesce(j.pts_ok, 0) as pts_ok,
    coalesce(j.drift_pts, 0) as drift_pts,
    coalesce(
        j.drift_pts >= (select max(value) from raw.own_parameter where name = 'drift_min_pts'), false
    ) as is_drifting,
    j.km_total,
    j.km_complete,
    case
        when j.valid_km <= (select max(value) from raw.own_parameter where name = 'day_km_cap') then j.valid_km
    end as valid_km,
    j.km_night05,
    j.drive_s,
    j.night_drive_s,
    coalesce(j.fatigue_s, 0) as fatigue_s,
    j.trip_cnt,
    coalesce(o.overspeed_cnt, 0) as overspeed_cnt,
    t.day is not null as pretrip_due,
    coalesce(t.is_checked, false) as pretrip_done,
    d.vehicle_key is not null as has_device,
    s.adas1_cnt,
    s.adas2_cnt,
    s.dsm1_cnt,
    s.dsm2_cnt,
    s.active_cnt,
    i.trips as identity_cnt,
    i.matched as identity_match_cnt,
    n.overlimit_cnt,
    j.origin
from joined j
left join marts.vehicle_first_seen f on f.vehicle_key = j.vehicle_key
left join overspeed o on o.vehicle_key = j.vehicle_key and o.day = j.day
left join pretrip t on t.vehicle_key = j.vehicle_key and t.day = j.day
left join device d on d.vehicle_key = j.vehicle_key and d.day = j.day
left join active s on s.vehicle_key = j.vehicle_key and s.day = j.day
left join marts.identity_day i on i.vehicle_key = j.vehicle_key and i.day = j.day
left join penalty n on n.vehicle_key = j.vehicle_key and n.day = j.day
left join staging.stg_permit m on m.vehicle_key = j.vehicle_key and j.day between m.from_day and m.to_day
