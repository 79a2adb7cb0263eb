-- Every way a ledger writes a company and the company it means: its code (also of one that the register no longer has:
-- what was before its end stays its own), its name, or an alias that the bureau has confirmed (D24).
select company_key as written, company_key
from staging.stg_yz_company
where company_key is not null
union
select code_norm(alias), code_norm(company_key)
from raw.own_alias
where _deleted_at is null
union
select code_norm(name), min(company_key)
from staging.stg_yz_company
where is_current and owner_type = '企业'
group by 1
having count(*) = 1
