-- The newest qualified position of every vehicle in service, in three states: running (≤10 min old, ≥5 km/h), parked
-- (≤10 min old), offline.
select
    v.vehicle_key,
    cast(k.as_of as date) as day,
    v.company_key,
    v.town_code,
    l.loc_time,
    case
        when l.loc_time >= k.as_of - interval 10 minute
        then case when l.speed_kmh >= 5 then 'running' else 'parked' end
        else 'offline'
    end as state
from marts.dim_vehicle v
cross join build.clock k
left join raw.gps_latest l on l.vehicle_key = v.vehicle_key and l.loc_time <= k.as_of + clock_slack()
where cast(k.as_of as date) between v.from_day and v.to_day and v.status = '营运' and not v.is_trailer
