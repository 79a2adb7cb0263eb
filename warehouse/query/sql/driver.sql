-- The one row is a driver at a company on the newest day; none for one who does not drive for it; restricted file.
-- $person: the driver's pseudonym; $company: the company's key.
select
    c.name_mask,
    c.licence_class,
    c.licence_to,
    c.integrity_grade,
    c.integrity_to,
    c.qualified_to,
    d.is_qualified,
    d.is_connected,
    d.is_high_risk,
    d.is_captain,
    d.is_registered,
    d.is_p45
from marts.driver_day d
left join marts.driver_card c using (person_key)
where d.person_key = $person and d.company_key = $company and d.day = (select max(day) from marts.driver_day)
