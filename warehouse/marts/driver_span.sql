-- P of the catalogue as intervals, both ends inclusive: who drove for which licensed company or individual from when to
-- when, and where that company was. One row a person, company and unbroken piece; person-level.
SELECT e.person_key, e.company_key, c.town_code, c.owner_type, e.is_captain, d.sex, d.birth_year, d.phone_hash, d.integrity_grade, d.integrity_to,
    greatest(e.from_day, c.from_day, d.from_day) AS from_day, least(e.to_day, c.to_day, d.to_day) AS to_day
FROM staging.stg_yz_employment e JOIN marts.company_span c ON c.company_key = e.company_key AND c.is_licensed AND c.from_day <= e.to_day AND c.to_day >= e.from_day
JOIN staging.stg_yz_driver d ON d.person_key = e.person_key AND d.is_active AND d.from_day <= e.to_day AND d.to_day >= e.from_day
WHERE greatest(e.from_day, c.from_day, d.from_day) <= least(e.to_day, c.to_day, d.to_day)
