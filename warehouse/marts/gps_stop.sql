-- A stop: at least trip_rest_s between two drives of a vehicle, at the place where the first one ended.
with
    parameter as (select max(value) filter (name = 'trip_rest_s') as rest_s from raw.own_parameter),
    driving as (
        select
            vehicle_key, from_at, to_at, lag(to_at) over v as stopped_at, lag(lon) over v as lon, lag(lat) over v as lat
        from staging.stg_gps_step
        where is_driving
        window v as (partition by vehicle_key order by to_at)
    )
select
    md5(vehicle_key || stopped_at) as stop_id,
    vehicle_key,
    cast(from_at as date) as day,
    lon,
    lat,
    stopped_at as from_at,
    from_at as to_at,
    cast(epoch(from_at - stopped_at) as integer) as stop_s
from driving
where
    epoch(from_at - stopped_at) >= (select rest_s from parameter)
    and cast(from_at as date) in (select day from build.day)
