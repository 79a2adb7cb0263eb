-- Stops of trucks (known to have stood, no silence) inside the district (ray casting against its outline) and whether
-- an open site lay within reach. No
-- coordinates here: the open file says only that somebody stopped, not where.
with
    stop as (
        select s.stop_id, s.vehicle_key, s.day, s.lon, s.lat, v.company_key, v.town_code
        from marts.gps_stop s
        join
            marts.dim_vehicle v
            on v.vehicle_key = s.vehicle_key
            and s.day between v.from_day and v.to_day
            and v.status = '营运'
            and not v.is_trailer
        where s.day in (select day from build.day) and s.kind = 'stand' and s.is_over
    ),
    edge as (
        select lon as x1, lat as y1, lead(lon) over ring as x2, lead(lat) over ring as y2
        from raw.own_outline
        window ring as (partition by ring_no order by seq)
    ),
    inside as (
        select s.stop_id
        from stop s
        join
            edge e
            on e.x2 is not null
            and (e.y1 > s.lat) <> (e.y2 > s.lat)
            and s.lon < (e.x2 - e.x1) * (s.lat - e.y1) / (e.y2 - e.y1) + e.x1
        group by s.stop_id
        having count(*) % 2 = 1
    ),
    near as (
        select distinct s.stop_id
        from stop s
        join staging.stg_st_site t on s.day between t.from_day and t.to_day and t.is_open
        where
            distance_km(s.lon, s.lat, t.lon, t.lat)
            <= (select max(value) from raw.own_parameter where name = 'site_reach_km')
    )
select s.stop_id, s.vehicle_key, s.day, s.company_key, s.town_code, n.stop_id is not null as is_near
from stop s
join inside using (stop_id)
left join near n using (stop_id)
