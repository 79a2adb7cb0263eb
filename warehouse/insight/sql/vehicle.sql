-- The one row is a vehicle of the register on the newest day; none for one that has left it. Masses in tonnes.
-- $vehicle: its key.
select
    vehicle_key,
    company_key,
    town_code,
    veh_type,
    is_trailer,
    tonnage_t,
    gross_mass_t,
    energy,
    vehicle_class,
    is_heavy,
    emission_stage,
    status,
    review_due,
    stop_from,
    stop_to,
    permit_to
from marts.vehicle_current
where vehicle_key = $vehicle
