-- Service sites as they are, WGS-84.
SELECT site_id, name, kind, town_code, home_area, address, operator, hours, level, lon, lat, is_open FROM staging.stg_st_site WHERE is_current
