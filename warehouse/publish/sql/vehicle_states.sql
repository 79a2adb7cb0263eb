-- A row is a vehicle in service with its newest position and state, on the writer's file. ref: a number that is stable
-- through the day and is no plate. lon, lat: WGS-84 degrees; direction: degrees, 0 = north; loc_time: naive Shanghai;
-- all NULL for one that has never been seen. state: alarm = an open alarm raised since $since.
-- $now: the moment of the picture, naive Shanghai; $since: from when on an open alarm counts as fresh.
with
    ringing as (select distinct vehicle_key from marts.open_alarm where raised_at between $since and $now),
    state as (
        select
            v.vehicle_key,
            v.town_code,
            l.loc_time,
            l.lon,
            l.lat,
            l.speed_kmh,
            l.direction,
            case
                when l.loc_time is null or l.loc_time < $now - interval 10 minute
                then 'offline'
                when r.vehicle_key is not null
                then 'alarm'
                when l.speed_kmh >= 5
                then 'running'
                else 'parked'
            end as state
        from marts.dim_vehicle v
        left join raw.gps_latest l on l.vehicle_key = v.vehicle_key and l.loc_time <= $now + clock_slack()
        left join ringing r on r.vehicle_key = v.vehicle_key
        where cast($now as date) between v.from_day and v.to_day and v.status = '营运' and not v.is_trailer
    )
select
    cast(hash(vehicle_key || cast($now as date)) % 2147483647 as integer) as ref,
    lon,
    lat,
    speed_kmh,
    direction,
    state,
    coalesce(t.name, '') as town,
    loc_time
from state s
left join marts.dim_town t on t.code = s.town_code
order by ref
