-- 双强六好 points: in cultivation or recognised, from when to when, in pieces: within one the company is in one town.
with
    known as (
        select
            d.org_id,
            d.stage,
            d.from_date as from_day,
            coalesce(d.to_date, cast(d._deleted_at as date) - 1, date '9999-12-31') as to_day,
            k.company_key
        from raw.hn_demo d
        left join staging.stg_pb_company k on k.written = code_norm(d.uscc)
        where d.stage <> '撤销'
    )
select
    d.org_id,
    d.stage,
    greatest(d.from_day, coalesce(c.from_day, d.from_day)) as from_day,
    least(d.to_day, coalesce(c.to_day, d.to_day)) as to_day,
    d.company_key,
    coalesce(c.town_code, '') as town_code
from known d
left join marts.company_span c on c.company_key = d.company_key and c.from_day <= d.to_day and c.to_day >= d.from_day
