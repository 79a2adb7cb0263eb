-- States of a site's facilities, one after another.
WITH version AS (
    SELECT * FROM raw.st_facility UNION ALL BY NAME SELECT * FROM raw.st_facility_history
)
SELECT site_id, upper(trim(fac_code)) AS fac_code, status, status = '可用' AS is_available, coalesce(free, false) AS is_free,
    CAST(_version AS DATE) AS from_day, least(coalesce(lead(CAST(_version AS DATE)) OVER same - 1, DATE '9999-12-31'), coalesce(CAST(_deleted_at AS DATE) - 1, DATE '9999-12-31')) AS to_day
FROM version WINDOW same AS (PARTITION BY site_id, fac_code ORDER BY _version, _seq, _row)
