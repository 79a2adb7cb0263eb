-- A row is a company that an organisation covers, its own first, with what the organisation is.
-- $organisation: its id; $today: the generation's day.
select org_id, kind, org_type, name, is_own, from_day, to_day, company_key
from marts.company_organisation
where org_id = $organisation and to_day >= $today
order by is_own desc, company_key
