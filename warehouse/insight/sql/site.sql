-- The one row is a service site. lon, lat: WGS-84 degrees; usable, broken, free: lists of facility codes.
-- $site: its id.
select
    site_id, name, kind, town_code, home_area, address, operator, hours, level, lon, lat, is_open, usable, broken, free
from marts.site
where site_id = $site
