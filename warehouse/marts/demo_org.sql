-- 双强六好 points: in cultivation or recognised, from when to when.
select
    d.org_id,
    d.stage,
    d.from_date as from_day,
    coalesce(d.to_date, cast(d._deleted_at as date) - 1, date '9999-12-31') as to_day,
    k.company_key,
    coalesce(c.town_code, '') as town_code
from raw.hn_demo d
left join staging.stg_pb_company k on k.written = code_norm(d.uscc)
left join marts.company_span c on c.company_key = k.company_key and d.from_date between c.from_day and c.to_day
where d.stage <> '撤销'
