-- Versions of every vehicle, oldest first, plate and colour normalised (D02, D03), towns resolved (D12), fillers
-- emptied (D15).
with
    versions as (
        select *
        from raw.yz_vehicle
        union all by name
        select *
        from raw.yz_vehicle_history
    )
select
    vehicle_key(plate_norm(v.plate_no), plate_color_norm(v.plate_color)) as vehicle_key,
    plate_norm(v.plate_no) as plate,
    v.plate_no <> plate_norm(v.plate_no) as plate_repaired,
    not is_plate_color(plate_color_norm(v.plate_color)) as odd_color,
    plate_color_norm(v.plate_color) as plate_color,
    v.vin,
    code_norm(v.uscc) as company_key,
    upper(trim(v.veh_type)) as veh_type,
    coalesce(v.is_trailer, false) as is_trailer,
    v.tonnage_t,
    v.gross_mass_t,
    v.energy_code,
    v.emission_stage,
    no_filler_date(v.register_date) as register_date,
    no_filler_date(v.register_date) is distinct from v.register_date as has_filler,
    town_of(t.code, v.home_town) as town_code,
    town_of(t.code, v.home_town) = '330110000' as town_unknown,
    town_of(t.code, v.home_town) is distinct from v.home_town as odd_town,
    no_filler_date(v.review_due) as review_due,
    v.stop_from,
    v.stop_to,
    v.status,
    cast(v._version as date) as version_day,
    cast(v._deleted_at as date) as deleted_day,
    row_number() over same as version_no,
    coalesce(lead(cast(v._version as date)) over same - 1, date '9999-12-31') as last_day,
    v._seq,
    v._row
from versions v
left join staging.stg_own_town t on t.spelling = no_filler(code_norm(v.home_town))
window
    same as (
        partition by vehicle_key(plate_norm(v.plate_no), plate_color_norm(v.plate_color))
        order by v._version, v._seq, v._row
    )
