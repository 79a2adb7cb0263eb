-- Certificates in force (from_day..to_day) and whether they are electronic; once without a place, for the district,
-- and once for each place their holder belonged to meanwhile: the company, the vehicle's owner, the driver's
-- employers. Restricted.
with
    cert as (
        select distinct
            cert_type,
            cert_no || '|' || coalesce(holder_key, '') as cert_id,
            holder_key,
            from_day,
            to_day,
            case when has_ecert then coalesce(ecert_day, from_day) end as ecert_day
        from staging.stg_yz_certificate c
        where
            not is_filler
            and coalesce(status, '有效') <> '注销'
            and from_day <= to_day
            -- a permit of a vehicle that is none of ours (临平) is none of ours either
            and (
                cert_type <> 'YSZ'
                or exists (
                    select 1
                    from marts.dim_vehicle v
                    where
                        v.vehicle_key = vehicle_key(
                            plate_norm(split_part(c.holder_key, '#', 1)),
                            plate_color_norm(try_cast(split_part(c.holder_key, '#', 2) as smallint))
                        )
                )
            )
    ),
    placed as (
        select c.cert_id, p.company_key, p.town_code, p.from_day as a, p.to_day as b
        from cert c
        join marts.company_span p on c.cert_type = 'JYXK' and p.company_key = code_norm(c.holder_key)
        union all
        select c.cert_id, v.company_key, v.town_code, v.from_day, v.to_day
        from cert c
        join
            marts.dim_vehicle v
            on c.cert_type = 'YSZ'
            and v.vehicle_key = vehicle_key(
                plate_norm(split_part(c.holder_key, '#', 1)),
                plate_color_norm(try_cast(split_part(c.holder_key, '#', 2) as smallint))
            )
        union all
        select c.cert_id, p.company_key, p.town_code, p.from_day, p.to_day
        from cert c
        join marts.driver_span p on c.cert_type = 'CYZG' and p.person_key = c.holder_key
    )
select cert_id, cert_type, ecert_day, null::varchar as company_key, null::varchar as town_code, from_day, to_day
from cert
union all
select distinct
    c.cert_id, c.cert_type, c.ecert_day, p.company_key, p.town_code, greatest(c.from_day, p.a), least(c.to_day, p.b)
from cert c
join placed p using (cert_id)
where greatest(c.from_day, p.a) <= least(c.to_day, p.b)
