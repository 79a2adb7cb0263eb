-- 一企二员: the posts of instructor and service officer at each company, from when to when, and which unit sends
-- them. Whose post it is stays out of the open file.
select distinct
    k.company_key,
    i.role,
    coalesce(u.name, b.name, i.unit_id) as unit,
    i.from_date as from_day,
    least(
        coalesce(i.to_date, date '9999-12-31'), coalesce(cast(i._deleted_at as date) - 1, date '9999-12-31')
    ) as to_day
from raw.pb_instructor i
join staging.stg_pb_company k on k.written = code_norm(i.uscc)
left join (select unit_id, name from raw.own_unit where _deleted_at is null) u using (unit_id)
left join (select unit_id, name from raw.pb_unit where _deleted_at is null) b using (unit_id)
