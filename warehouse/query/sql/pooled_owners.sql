-- A row is an owner or a town whose vehicles are shown as one sum with those of others.
select if(company_key = '', town_code, company_key) as place from marts.pooled_owner
