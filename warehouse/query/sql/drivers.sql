-- A row is a driver of a company on the newest day, those with a risk first; restricted file. score: of the newest
-- month, points; learned: the newest
-- month of learning up to that day, is_done: whether it is done; NULL where nothing is known.
-- $company: the company's key.
with
    scored as (select person_key, arg_max(score, day) as score from marts.driver_month group by 1),
    learned as (
        select person_key, arg_max_null(is_done, day) as is_done, max(day) as learned
        from marts.driver_learning
        where company_key = $company and day <= (select max(day) from marts.driver_day)
        group by 1
    )
select
    d.person_key,
    c.name_mask,
    c.qualified_to,
    d.is_qualified,
    d.integrity_grade,
    d.is_connected,
    d.is_high_risk,
    d.is_captain,
    s.score,
    l.is_done,
    l.learned
from marts.driver_day d
left join marts.driver_card c using (person_key)
left join scored s using (person_key)
left join learned l using (person_key)
where d.company_key = $company and d.day = (select max(day) from marts.driver_day)
order by is_high_risk desc, is_qualified, name_mask, person_key
