-- Rows of the newest registers that pass every key rule (plate, colour, identity check digit, credit code, town code, dates)
-- against all rows, those in quarantine included.
WITH found AS (
    SELECT 'yz_company' AS table_name, count(*) AS total, count(*) FILTER (odd_code OR odd_town OR has_filler) AS bad FROM staging.stg_yz_company WHERE is_current
    UNION ALL SELECT 'yz_vehicle', count(*), count(*) FILTER (plate_repaired OR odd_color OR odd_town OR has_filler) FROM staging.stg_yz_vehicle WHERE last_day = DATE '9999-12-31' AND deleted_day IS NULL
    UNION ALL SELECT 'yz_driver', count(*), count(*) FILTER (odd_town) FROM staging.stg_yz_driver WHERE is_current
    UNION ALL SELECT 'yz_employment', count(*), count(*) FILTER (has_filler) FROM staging.stg_yz_employment
    UNION ALL SELECT 'yz_certificate', count(*), count(*) FILTER (is_filler) FROM (SELECT DISTINCT cert_type, cert_no, holder_key, is_filler FROM staging.stg_yz_certificate WHERE is_current)
    UNION ALL SELECT source || '_' || entity, count(*), count(*) FROM raw.quarantine WHERE source = 'yz' AND row_no >= 0 AND entity IN ('company', 'vehicle', 'driver', 'employment', 'certificate') GROUP BY 1
)
SELECT t.day, f.table_name, sum(f.total) AS total, sum(f.bad) AS bad FROM found f CROSS JOIN build.today t GROUP BY 1, 2
