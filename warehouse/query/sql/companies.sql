-- A row is a company of the register, by name.
select company_key, name, town_code from marts.dim_company order by name, company_key
