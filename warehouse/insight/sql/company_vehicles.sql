-- A row is a vehicle of a company on the newest day, those with most alarms first. km: valid kilometres from $since to
-- $last, NULL without a day; days: days online; alarms: alarms raised in them.
-- $company: the company's key; $since, $last: first and last day that are counted, both inclusive.
with
    driven as (
        select vehicle_key, sum(valid_km) as km, count(*) filter (is_online) as days
        from marts.vehicle_day
        where day between $since and $last
        group by 1
    ),
    alarmed as (
        select vehicle_key, count(*) as alarms from marts.alarm_event where day between $since and $last group by 1
    )
select
    v.vehicle_key,
    v.energy,
    v.is_heavy,
    v.status,
    v.review_due,
    v.permit_to,
    d.km,
    coalesce(d.days, 0) as days,
    coalesce(a.alarms, 0) as alarms
from marts.vehicle_current v
left join driven d using (vehicle_key)
left join alarmed a using (vehicle_key)
where v.company_key = $company and not v.is_trailer
order by alarms desc, vehicle_key
