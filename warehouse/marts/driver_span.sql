-- P of the catalogue as intervals, both ends inclusive: who drove for which licensed company or individual from when
-- to when, and where that company was. One row a person, company and unbroken piece; person-level.
select
    e.person_key,
    e.company_key,
    c.town_code,
    c.owner_type,
    e.is_captain,
    d.sex,
    d.birth_year,
    d.phone_hash,
    d.integrity_grade,
    d.integrity_to,
    greatest(e.from_day, c.from_day, d.from_day) as from_day,
    least(e.to_day, c.to_day, d.to_day) as to_day
from staging.stg_yz_employment e
join
    marts.company_span c
    on c.company_key = e.company_key
    and c.is_licensed
    and c.from_day <= e.to_day
    and c.to_day >= e.from_day
join
    staging.stg_yz_driver d
    on d.person_key = e.person_key
    and d.is_active
    and d.from_day <= e.to_day
    and d.to_day >= e.from_day
where greatest(e.from_day, c.from_day, d.from_day) <= least(e.to_day, c.to_day, d.to_day)
