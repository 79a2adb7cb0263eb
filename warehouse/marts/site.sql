-- The service sites as they are today, in WGS-84, with the codes of the facilities that can be used and of those under repair.
-- lon and lat are NULL when the register gives none; town_code 330110000 when no town of ours is known.
WITH facility AS (
    SELECT site_id, list(fac_code ORDER BY fac_code) FILTER (is_available) AS usable, list(fac_code ORDER BY fac_code) FILTER (status = '维修') AS broken,
        list(fac_code ORDER BY fac_code) FILTER (is_available AND is_free) AS free
    FROM staging.stg_st_facility WHERE (SELECT day FROM build.today) BETWEEN from_day AND to_day GROUP BY 1
)
SELECT s.site_id, s.name, s.kind, s.town_code, s.home_area, s.address, s.operator, s.lon, s.lat, s.hours, s.level, s.is_open, f.usable, f.broken, f.free
FROM staging.stg_st_site s LEFT JOIN facility f USING (site_id) WHERE s.is_current
