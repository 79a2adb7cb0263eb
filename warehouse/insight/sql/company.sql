-- The one row is a company in the register. lon, lat: WGS-84 degrees.
-- $company: its key.
select
    name,
    owner_type,
    is_hazmat,
    town_code,
    lon,
    lat,
    status,
    licence_from,
    licence_to,
    credit_grade,
    scope_text,
    address
from marts.dim_company
where company_key = $company
