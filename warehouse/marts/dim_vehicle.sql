-- A vehicle's life in pieces, both ends inclusive: who owned it, where, in which state. The first version known
-- reaches back to its registration; a first version that is already a departure means it was in service until then
-- (D16, D22).
with
    piece as (
        select
            *,
            case
                when version_no = 1 and status = '营运'
                then least(coalesce(register_date, version_day), version_day)
                else version_day
            end as from_day,
            last_day as to_day
        from staging.stg_yz_vehicle
        union all by name
        select
            * replace ('营运' as status),
            coalesce(register_date, version_day - 365) as from_day,
            version_day - 1 as to_day
        from staging.stg_yz_vehicle
        where version_no = 1 and status <> '营运'
    )
select
    p.vehicle_key,
    p.company_key,
    p.town_code,
    p.veh_type,
    p.is_trailer,
    p.tonnage_t,
    p.gross_mass_t,
    p.energy_code,
    case
        when p.plate_color in (93, 94) or p.energy_code = 'C' then '新能源' when p.energy_code = 'B' then '柴油' else '其他'
    end as energy,
    case when coalesce(c.is_hazmat, false) then 'hazmat' else 'freight' end as vehicle_class,
    coalesce(p.gross_mass_t, 0) > 4.5 as is_over45,
    coalesce(regexp_full_match(p.veh_type, 'Q.1'), false) or coalesce(p.gross_mass_t, 0) >= 12 as is_heavy,
    coalesce(p.energy_code = 'B', false) as is_diesel,
    p.emission_stage,
    p.review_due,
    p.status,
    p.stop_from,
    p.stop_to,
    p.from_day,
    least(p.to_day, coalesce(p.deleted_day - 1, date '9999-12-31')) as to_day
from piece p
left join marts.dim_company c using (company_key)
where p.from_day <= least(p.to_day, coalesce(p.deleted_day - 1, date '9999-12-31')) and is_our_town(p.town_code)
