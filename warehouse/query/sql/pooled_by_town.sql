-- A row is an owner whose vehicles are shown as one sum with those of others, with the town of the vehicles.
select town_code, company_key from marts.pooled_owner where company_key <> ''
