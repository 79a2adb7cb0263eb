-- Hardship cases while they are open, once for the town and once for each company of the person meanwhile, in pieces:
-- within one a case is paired or is not. pair_days: days from opening to the first pairing. Restricted.
with
    opened as (
        select
            h.case_id,
            h.person_key,
            coalesce(t.code, '330110000') as town_code,
            coalesce(h.qualified, false) as is_qualified,
            h.opened_at as from_day,
            coalesce(h.closed_at - 1, cast(h._deleted_at as date) - 1, date '9999-12-31') as to_day,
            h.enrolled_at as enrolled_day
        from raw.wf_hardship h
        left join staging.stg_own_town t on t.spelling = no_filler(code_norm(h.town))
    ),
    pairing as (
        select case_id, from_date as pair_from, coalesce(to_date, date '9999-12-31') as pair_to
        from raw.wf_pairing
        where _deleted_at is null and from_date is not null
    ),
    first_paired as (select case_id, min(pair_from) as pair_from from pairing group by 1),
    placed as (
        select *, null::varchar as company_key
        from opened
        union all by name
        select
            o.* replace (greatest(o.from_day, p.from_day) as from_day, least(o.to_day, p.to_day) as to_day),
            p.company_key
        from opened o
        join marts.driver_span p using (person_key)
        where greatest(o.from_day, p.from_day) <= least(o.to_day, p.to_day)
    ),
    change as (
        select case_id, pair_from as day
        from pairing
        union
        select case_id, pair_to + 1
        from pairing
        where pair_to < date '9999-12-31'
    ),
    piece as (
        select o.* exclude (to_day), o.to_day as last_day
        from placed o
        where o.from_day <= o.to_day
        union all by name
        select o.* exclude (to_day) replace (c.day as from_day), o.to_day as last_day
        from placed o
        join change c on c.case_id = o.case_id and c.day > o.from_day and c.day <= o.to_day
    )
select
    o.case_id,
    o.company_key,
    o.town_code,
    o.is_qualified,
    o.enrolled_day,
    exists (
        select 1 from pairing p where p.case_id = o.case_id and o.from_day between p.pair_from and p.pair_to
    ) as is_paired,
    date_diff('day', first.from_day, f.pair_from) as pair_days,
    o.from_day,
    least(
        o.last_day,
        coalesce(
            lead(o.from_day) over (partition by o.case_id, o.company_key, o.last_day order by o.from_day) - 1,
            o.last_day
        )
    ) as to_day
from piece o
join opened first using (case_id)
left join first_paired f using (case_id)
