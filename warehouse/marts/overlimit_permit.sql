-- Over-limit permits on the day they were decided; working days are counted after the day of acceptance up to that of
-- the decision, by the State Council's calendar (own_workday) and the limit of scope and class.
with
    permit as (
        select
            permit_id,
            code_norm(uscc) as company_key,
            scope,
            permit_class,
            coalesce(auto_flag, false) as is_auto,
            cast(accepted_at as date) as accepted_day,
            cast(decided_at as date) as day
        from raw.yz_overlimit
        where decided_at is not null and _deleted_at is null
    ),
    calendar as (
        select cast(c.day as date) as day, coalesce(w.is_workday, isodow(c.day) < 6) as is_workday
        from
            (
                select
                    unnest(
                        generate_series(
                            (select min(accepted_day) from permit), (select max(day) from permit), interval 1 day
                        )
                    ) as day
            ) c
        left join raw.own_workday w on w.day = cast(c.day as date)
    ),
    took as (
        select p.permit_id, count(c.day) filter (c.is_workday) as workdays
        from permit p
        left join calendar c on c.day > p.accepted_day and c.day <= p.day
        group by 1
    )
select
    p.permit_id,
    p.day,
    p.company_key,
    coalesce(c.town_code, '') as town_code,
    p.scope,
    p.permit_class,
    p.is_auto,
    t.workdays,
    l.workdays as limit_days,
    coalesce(t.workdays <= l.workdays, false) as is_ontime
from permit p
join took t using (permit_id)
left join raw.own_permit_limit l on l.scope = p.scope and l.permit_class = p.permit_class
left join marts.company_span c on c.company_key = p.company_key and p.day between c.from_day and c.to_day
