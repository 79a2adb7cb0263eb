-- The way from one qualified position of a vehicle to its next, for the touched days and the day before them. Dropped
-- from the path: a fix repeated ≥20 times while speed says driving (D06), and jumps that return (D09). Impossible
-- jumps of more than 50 km are marked as well: many in a day are a second vehicle under the same plate (D01).
with
    parameter as (
        select
            max(value) filter (name = 'track_gap_s') as gap_s,
            max(value) filter (name = 'track_gap_km') as gap_km,
            max(value) filter (name = 'drift_speed_kmh') as drift_kmh,
            max(value) filter (name = 'move_speed_kmh') as move_kmh,
            max(value) filter (name = 'track_gap_most_s') as most_s,
            max(value) filter (name = 'trip_rest_s') as rest_s
        from raw.own_parameter
    ),
    point as (
        select vehicle_key, loc_time, lon, lat, speed_kmh, odometer_km
        from staging.stg_gps_location
        where reason is null
        qualify row_number() over (partition by vehicle_key, loc_time order by recv_time desc nulls last) = 1
    ),
    neighbour as (
        select
            *,
            lag(loc_time) over v as t0,
            lag(lon) over v as lon0,
            lag(lat) over v as lat0,
            lead(loc_time) over v as t2,
            lead(lon) over v as lon2,
            lead(lat) over v as lat2
        from point
        window v as (partition by vehicle_key order by loc_time)
    ),
    frozen as (
        select vehicle_key, lon, lat
        from neighbour
        where lon = lon0 and lat = lat0 and speed_kmh > 5
        group by all
        having count(*) >= 19
    ),
    judged as (
        select
            n.*,
            f.vehicle_key is not null and speed_kmh > 5 as is_frozen,
            coalesce(
                distance_km(lon0, lat0, n.lon, n.lat)
                > greatest(50, epoch(loc_time - t0) / 3600 * (select drift_kmh from parameter)),
                false
            ) as is_far,
            t0 is not null
            and t2 is not null
            and t2 - t0 < interval 1 hour
            and distance_km(lon0, lat0, n.lon, n.lat) > 0.5
            and distance_km(n.lon, n.lat, lon2, lat2) > 0.5
            and distance_km(lon0, lat0, n.lon, n.lat) / greatest(epoch(loc_time - t0), 1) * 3600
            > (select drift_kmh from parameter)
            and distance_km(n.lon, n.lat, lon2, lat2) / greatest(epoch(t2 - loc_time), 1) * 3600
            > (select drift_kmh from parameter)
            and distance_km(lon0, lat0, lon2, lat2)
            < 0.7 * (distance_km(lon0, lat0, n.lon, n.lat) + distance_km(n.lon, n.lat, lon2, lat2)) as is_drift
        from neighbour n
        left join frozen f on f.vehicle_key = n.vehicle_key and f.lon = n.lon and f.lat = n.lat
    ),
    step as (
        select
            vehicle_key,
            loc_time as to_at,
            lon,
            lat,
            speed_kmh,
            is_drift,
            is_frozen,
            is_far,
            odometer_km,
            case
                when not (is_drift or is_frozen)
                then lag(case when not (is_drift or is_frozen) then odometer_km end ignore nulls) over v
            end as odometer0_km,
            case
                when not (is_drift or is_frozen)
                then lag(case when not (is_drift or is_frozen) then loc_time end ignore nulls) over v
            end as from_at,
            case
                when not (is_drift or is_frozen)
                then lag(case when not (is_drift or is_frozen) then lon end ignore nulls) over v
            end as lon0,
            case
                when not (is_drift or is_frozen)
                then lag(case when not (is_drift or is_frozen) then lat end ignore nulls) over v
            end as lat0
        from judged
        window v as (partition by vehicle_key order by loc_time)
    ),
    measured as (
        select
            *,
            epoch(to_at - from_at) as s,
            distance_km(lon0, lat0, lon, lat) as straight_km,
            odometer_km - odometer0_km as odometer_step_km
        from step
    ),
    bridged as (
        -- over a loss of track the vehicle's own counter says what was driven, when it is possible at all; else the
        -- straight line
        select
            m.*,
            p.*,
            s > p.gap_s and greatest(straight_km, coalesce(odometer_step_km, 0)) > p.gap_km and s <= p.most_s as is_gap,
            case
                when s > p.gap_s and odometer_step_km between straight_km - 2 and s / 3600 * p.drift_kmh
                then greatest(straight_km, odometer_step_km)
                else straight_km
            end as way_km
        from measured m
        cross join parameter p
    ),
    timed as (select *, way_km / greatest(s, 1) * 3600 as kmh from bridged)
select
    vehicle_key,
    cast(to_at as date) as day,
    from_at,
    to_at,
    s,
    lon0,
    lat0,
    lon,
    lat,
    speed_kmh,
    is_drift,
    is_frozen,
    is_far,
    coalesce(is_gap, false) as is_gap,
    coalesce(odometer_km > 0 and odometer_step_km < -1, false) as is_reset,
    -- faster than any truck is a false jump, not distance; a silence of many hours is no track at all
    case when kmh <= drift_kmh and s <= most_s then way_km else 0 end as km,
    straight_km,
    -- a loss longer than a rest may hide one: its kilometres count, its time is not called driving
    coalesce(kmh >= move_kmh and kmh <= drift_kmh and (s <= gap_s or (is_gap and s < rest_s)), false) as is_driving
from timed
