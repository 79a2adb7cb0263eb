-- Every vehicle of the register as it is on the generation's day: its owner, what it is, and until when its papers
-- hold.
select
    v.vehicle_key,
    v.company_key,
    v.town_code,
    v.veh_type,
    v.is_trailer,
    cast(v.tonnage_t as double) as tonnage_t,
    cast(v.gross_mass_t as double) as gross_mass_t,
    v.energy,
    v.vehicle_class,
    v.is_heavy,
    v.is_over45,
    v.emission_stage,
    v.status,
    v.review_due,
    v.stop_from,
    v.stop_to,
    p.to_day as permit_to
from marts.dim_vehicle v
cross join build.today t
left join staging.stg_permit p on p.vehicle_key = v.vehicle_key and t.day between p.from_day and p.to_day
where t.day between v.from_day and v.to_day
