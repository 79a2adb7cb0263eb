-- Planned visits to companies on their planned day; done needs a date, a visitor and a note, and of two done on one
-- day at one company one counts.
with
    visit as (
        select
            v.visit_id,
            v.due as day,
            k.company_key,
            case
                when v.visitor is not null and no_filler(v.note) is not null then cast(v.visit_at as date)
            end as done_day
        from raw.pb_visit v
        left join staging.stg_pb_company k on k.written = code_norm(v.uscc)
        where v._deleted_at is null
    )
select
    v.visit_id,
    v.day,
    c.company_key,
    coalesce(c.town_code, '') as town_code,
    case
        when
            row_number() over (partition by v.company_key, v.done_day order by v.day, v.visit_id) = 1
            or v.company_key is null
        then v.done_day
    end as done_day
from visit v
left join marts.company_span c on c.company_key = v.company_key and v.day between c.from_day and c.to_day
