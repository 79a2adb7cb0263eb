-- Companies and individual operators as they are now; an individual's name is a person's and is masked, and so is
-- where one lives. Two of them are told apart by the end of their number, which their page's address shows anyhow.
select
    company_key,
    case when owner_type = '个体' then operator_mask(name, company_key) else name end as name,
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
    case when owner_type <> '个体' then address end as address
from staging.stg_yz_company
where is_current
