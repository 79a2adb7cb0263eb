-- Every way a ledger writes a company and the company it means: its code, its name, or an alias that the bureau has confirmed (D24).
SELECT company_key AS written, company_key FROM marts.dim_company
UNION SELECT code_norm(alias), code_norm(company_key) FROM raw.own_alias WHERE _deleted_at IS NULL
UNION SELECT code_norm(name), min(company_key) FROM staging.stg_yz_company WHERE is_current AND owner_type = '企业' GROUP BY 1 HAVING count(*) = 1
