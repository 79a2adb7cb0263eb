-- A row is an organisation with a name, by which it is found.
select org_id, any_value(name) as name, any_value(org_type) as org_type
from marts.company_organisation
where name is not null
group by 1
order by 1
