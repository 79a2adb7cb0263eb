-- One row a month, assigned driver and company: valid seconds against the plan. The same course counts once, only
-- with the face check passed; leave of 20 days or more takes the driver out of both sides. The day that runs does not
-- count yet. Restricted.
with
    learned as (
        select person_key, strftime(begin_at, '%Y-%m') as month, course_id, max(valid_s) as valid_s
        from raw.rdm_learning
        where face_ok and _deleted_at is null and begin_at < (select day from build.today)
        group by 1, 2, 3
    ),
    total as (select person_key, month, sum(valid_s) as valid_s from learned group by 1, 2)
select
    cast(p.month || '-01' as date) as day,
    p.person_key,
    code_norm(p.uscc) as company_key,
    coalesce(c.town_code, '330110000') as town_code,
    max(p.required_s) as required_s,
    max(coalesce(t.valid_s, 0)) as valid_s,
    max(coalesce(t.valid_s, 0)) >= max(p.required_s) as is_done
from raw.rdm_plan p
left join total t using (person_key, month)
left join
    marts.company_span c
    on c.company_key = code_norm(p.uscc)
    and last_day(cast(p.month || '-01' as date)) between c.from_day and c.to_day
where coalesce(p.leave_days, 0) < 20 and p._deleted_at is null
group by 1, 2, 3, 4
