-- A row is an open alarm of a vehicle in service, newest first, on the writer's file. id: twelve digits of a digest;
-- raised_at, landed_at (when this version of the row came in, NULL when that is not known): naive Shanghai; town ''
-- when unknown, and $pooled where the town's trucks are those of a few persons; plate masked.
-- $now: the moment of the picture, naive Shanghai; $since: alarms raised from then on; $most: rows at most.
select
    substr(sha256(a.alarm_uid), 1, 12) as id,
    a.raised_at,
    b.landed_at,
    a.kind,
    a.level,
    case
        when v.town_code in (select p.town_code from marts.pooled_owner p where p.company_key = '')
        then $pooled
        else coalesce(t.name, '')
    end as town,
    plate_mask(a.vehicle_key) as plate
from marts.open_alarm a
join
    marts.dim_vehicle v
    on v.vehicle_key = a.vehicle_key
    and cast($now as date) between v.from_day and v.to_day
    and v.status = '营运'
    and not v.is_trailer
left join marts.dim_town t on t.code = v.town_code
left join run.batch b on b.landing_seq = a._seq
where a.raised_at between $since and $now
order by a.raised_at desc, a.alarm_uid
limit $most
