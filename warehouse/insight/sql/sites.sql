-- A row is a service site, by name. lon, lat: WGS-84 degrees.
-- $town: code of a town, '' for all.
select site_id, name, kind, town_code, hours, is_open, lon, lat
from marts.site
where $town = '' or town_code = $town
order by name
