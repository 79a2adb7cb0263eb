-- Hardship cases while they are open, once for the town and once for each company of the person meanwhile; pairing
-- beside. Restricted.
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
    paired as (
        select case_id, min(from_date) as pair_from, max(coalesce(to_date, date '9999-12-31')) as pair_to
        from raw.wf_pairing
        where _deleted_at is null
        group by 1
    ),
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
    )
select
    o.case_id,
    o.company_key,
    o.town_code,
    o.is_qualified,
    o.enrolled_day,
    p.pair_from,
    p.pair_to,
    date_diff('day', first.from_day, p.pair_from) as pair_days,
    o.from_day,
    o.to_day
from placed o
join opened first using (case_id)
left join paired p using (case_id)
where o.from_day <= o.to_day
