-- Versions of a service site, coordinates in WGS-84 (D04); the first version known reaches back to the beginning.
WITH version AS (
    SELECT * FROM raw.st_site UNION ALL BY NAME SELECT * FROM raw.st_site_history
), ordered AS (
    SELECT *, row_number() OVER same AS version_no, lead(CAST(_version AS DATE)) OVER same AS next_day
    FROM version WINDOW same AS (PARTITION BY site_id ORDER BY _version, _seq, _row)
)
SELECT site_id, name, kind, coalesce(t.code, '330110000') AS town_code, home_area, address, operator, hours, level,
    CASE WHEN coord_sys = 1 THEN wgs_lon(lon, lat) WHEN coord_sys IN (2, 4) THEN lon END AS lon,
    CASE WHEN coord_sys = 1 THEN wgs_lat(lon, lat) WHEN coord_sys IN (2, 4) THEN lat END AS lat, coord_sys = 1 AND lon IS NOT NULL AS was_gcj,
    coalesce(status, '在用') = '在用' AS is_open, next_day IS NULL AND _deleted_at IS NULL AS is_current,
    CASE WHEN version_no = 1 THEN DATE '1900-01-01' ELSE CAST(_version AS DATE) END AS from_day,
    least(coalesce(next_day - 1, DATE '9999-12-31'), coalesce(CAST(_deleted_at AS DATE) - 1, DATE '9999-12-31')) AS to_day
FROM ordered LEFT JOIN staging.stg_own_town t ON t.spelling = no_filler(code_norm(town))
