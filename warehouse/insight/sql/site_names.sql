-- A row is a service site by which it is found.
select site_id, name, town_code from marts.site order by 1
