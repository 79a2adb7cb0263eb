-- Active-safety alarms of a vehicle and day by type and level: what the counts need of a very large table.
select
    a.vehicle_key,
    a.day,
    v.company_key,
    coalesce(v.town_code, '') as town_code,
    v.vehicle_key is not null as is_v,
    a.profile,
    a.module,
    a.code,
    a.level,
    a.name,
    a.is_top,
    count(*) as alarm_cnt
from staging.stg_as_alarm a
left join
    marts.dim_vehicle v
    on v.vehicle_key = a.vehicle_key
    and a.day between v.from_day and v.to_day
    and v.status = '营运'
    and not v.is_trailer
where a.is_alarm and a.day in (select day from build.day)
group by all
