-- Defects found by vehicle checks, on the day by which they are due; owner of the vehicle on the day of the check.
select
    i.check_id,
    i.item_code,
    i.due as day,
    v.company_key,
    coalesce(v.town_code, '') as town_code,
    v.vehicle_key is not null as is_v,
    coalesce(cast(i.fixed_at as date) <= i.due, false) as is_fixed
from raw.rdm_check_item i
join staging.stg_rdm_check c using (check_id)
left join
    marts.dim_vehicle v
    on v.vehicle_key = c.vehicle_key
    and cast(c.checked_at as date) between v.from_day and v.to_day
    and v.status = '营运'
    and not v.is_trailer
where i.result = 'fail' and i.due is not null and i._deleted_at is null
