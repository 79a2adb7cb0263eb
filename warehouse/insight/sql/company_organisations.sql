-- A row is an organisation that covers a company on a day, its own or a shared one.
-- $company: its key; $today: the generation's day.
select org_id, kind, org_type, name, is_own, from_day, to_day
from marts.company_organisation
where company_key = $company and to_day >= $today
order by kind, from_day
