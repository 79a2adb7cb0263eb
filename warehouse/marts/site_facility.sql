-- What each site has to offer on the generation's day.
SELECT f.site_id, f.fac_code, f.is_available, f.is_free, f.from_day FROM staging.stg_st_facility f CROSS JOIN build.today t WHERE t.day BETWEEN f.from_day AND f.to_day
