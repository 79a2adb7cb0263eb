-- What lies between the trips of a vehicle, in three kinds of nothing. kind:
-- stand   = it stood at one place for trip_rest_s and longer: positions were there, or place and counter were the same
-- at both ends of a silence (silent_s: seconds of that). The only one that is a stop and a rest
-- silent  = no data for that long, and nothing tells whether it stood
-- unseen  = no data, and then elsewhere: moved_km away. km is what of it counts (0 beyond track_gap_most_s)
-- A step too short to be a trip does not end a stop. lon, lat: where it began; km is NULL where nobody knows; is_over =
-- something came after it. A stop is listed once, on the day on which it is over: what still lasts has no length yet.
with
    parameter as (select max(value) filter (name = 'trip_rest_s') as rest_s from raw.own_parameter),
    step as (
        select *, case when kind = 'drive' and not is_trip and not is_gap then 'stand' else kind end as state
        from staging.stg_gps_step
        semi join build.part using (part)
        where from_at is not null
    ),
    turned as (
        select *, state is distinct from lag(state) over (partition by vehicle_no order by to_at) as is_turn from step
    ),
    numbered as (
        select
            *,
            sum(case when is_turn then 1 else 0 end) over (partition by vehicle_no order by to_at) as run_no,
            max(to_at) over (partition by vehicle_no) as last_at
        from turned
    ),
    run as (
        select
            any_value(vehicle_key) as vehicle_key,
            state as kind,
            min(from_at) as from_at,
            max(to_at) as to_at,
            max(to_at) < max(last_at) as is_over,
            sum(s) as stop_s,
            coalesce(sum(s) filter (s >= (select rest_s from parameter)), 0) as silent_s,
            sum(km) as km,
            sum(moved_km) as moved_km,
            arg_min(lon0, to_at) as lon,
            arg_min(lat0, to_at) as lat,
            arg_max(lon, to_at) as to_lon,
            arg_max(lat, to_at) as to_lat
        from numbered
        where state in ('stand', 'silent', 'unseen')
        group by vehicle_no, run_no, state
    )
select
    md5(vehicle_key || from_at || cast(to_at as date)) as stop_id,
    vehicle_key,
    cast(to_at as date) as day,
    kind,
    is_over,
    lon,
    lat,
    to_lon,
    to_lat,
    from_at,
    to_at,
    cast(stop_s as integer) as stop_s,
    cast(case kind when 'stand' then silent_s else stop_s end as integer) as silent_s,
    case kind when 'unseen' then round(km, 3) when 'stand' then 0 end as km,
    case kind when 'unseen' then round(moved_km, 3) when 'stand' then 0 end as moved_km
from run
where
    cast(to_at as date) in (select day from build.day)
    and (is_over or kind = 'unseen')
    and (
        kind = 'unseen'
        or (
            stop_s >= (select rest_s from parameter)
            -- creeping in a queue is no stop
            and (kind = 'silent' or distance_km(lon, lat, to_lon, to_lat) <= 0.5)
        )
    )
