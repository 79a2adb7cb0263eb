-- A trip: driving without a stop of trip_rest_s or more. drive_s counts driving only; rest_s is the stop before it,
-- NULL when nothing is known of what was before. Belongs to the day it ended.
with
    parameter as (select max(value) filter (name = 'trip_rest_s') as rest_s from raw.own_parameter),
    driving as (
        select *, epoch(from_at - lag(to_at) over (partition by vehicle_key order by to_at)) as rest_s
        from staging.stg_gps_step
        where is_driving
    ),
    numbered as (
        select
            *,
            sum(case when rest_s is null or rest_s >= (select rest_s from parameter) then 1 else 0 end) over (
                partition by vehicle_key order by to_at
            ) as n
        from driving
    ),
    trip as (
        select
            vehicle_key,
            min(from_at) as from_at,
            max(to_at) as to_at,
            sum(km) as km,
            sum(s) as drive_s,
            sum(km) filter (hour(to_at) < 5) as km_night05,
            sum(km) filter (is_gap) as gap_km,
            arg_min(rest_s, to_at) as rest_s,
            arg_min(lon0, to_at) as from_lon,
            arg_min(lat0, to_at) as from_lat,
            arg_max(lon, to_at) as to_lon,
            arg_max(lat, to_at) as to_lat,
            -- one point a minute is enough to see where it went
            list(struct_pack(at := to_at, lon := round(lon, 5), lat := round(lat, 5)) order by to_at) filter (
                is_first
            ) as path
        from
            (
                select
                    *,
                    row_number() over (partition by vehicle_key, n, date_trunc('minute', to_at) order by to_at)
                    = 1 as is_first
                from numbered
            )
        group by vehicle_key, n
    )
select
    md5(vehicle_key || from_at) as trip_id,
    vehicle_key,
    cast(to_at as date) as day,
    from_at,
    to_at,
    round(km, 3) as km,
    round(coalesce(km_night05, 0), 3) as km_night05,
    round(coalesce(gap_km, 0), 3) as gap_km,
    cast(drive_s as integer) as drive_s,
    cast(rest_s as integer) as rest_s,
    from_lon,
    from_lat,
    to_lon,
    to_lat,
    path
from trip
where cast(to_at as date) in (select day from build.day)
