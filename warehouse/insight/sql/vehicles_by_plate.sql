-- A row is a vehicle of the register whose key holds what was typed, those that begin with it first; owner: '' for
-- none.
-- $typed: part of a key, upper case; $most: rows at most.
select vehicle_key, coalesce(c.name, '') as owner
from marts.vehicle_current v
left join marts.dim_company c using (company_key)
where contains(v.vehicle_key, $typed)
order by not starts_with(v.vehicle_key, $typed), 1
limit $most
