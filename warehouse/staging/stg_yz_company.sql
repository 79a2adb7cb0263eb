-- Every version of a company or individual operator, fillers emptied (D15), town spellings resolved (D12), coordinates in
-- WGS-84 (D04). The first version known reaches back to the beginning; is_current marks the newest one that is not deleted.
WITH version AS (
    SELECT * FROM raw.yz_company UNION ALL BY NAME SELECT * FROM raw.yz_company_history
), ordered AS (
    SELECT *, code_norm(uscc) AS company_key, CAST(_version AS DATE) AS version_day, row_number() OVER same AS version_no,
        lead(CAST(_version AS DATE)) OVER same AS next_day
    FROM version WINDOW same AS (PARTITION BY code_norm(uscc) ORDER BY _version, _seq, _row)
)
SELECT c.company_key, trim(c.name, ' 	') AS name, c.address, c.owner_type,
    contains(coalesce(c.scope_text, ''), '危险货物') AS is_hazmat,
    coalesce(t.code, '330110000') AS town_code, t.code IS NULL AS town_unknown,
    coalesce(t.code, '330110000') IS DISTINCT FROM coalesce(no_filler(c.op_town), no_filler(c.reg_town)) AS odd_town,
    -- the alphabet of GB 32100 has no I, O, S, V, Z; other forms stay as they are and are listed for a person to match (D11)
    c.company_key <> coalesce(c.licence_no, '') AND NOT is_uscc(c.company_key) AS odd_code,
    CASE WHEN c.coord_sys = 1 THEN wgs_lon(c.lon, c.lat) WHEN c.coord_sys IN (2, 4) THEN c.lon END AS lon,
    CASE WHEN c.coord_sys = 1 THEN wgs_lat(c.lon, c.lat) WHEN c.coord_sys IN (2, 4) THEN c.lat END AS lat,
    c.coord_sys = 1 AND c.lon IS NOT NULL AS was_gcj, coalesce(c.coord_sys, 0) NOT IN (1, 2, 4) AND c.lon IS NOT NULL AS coord_unknown,
    no_filler_date(c.licence_from) AS licence_from, no_filler_date(c.licence_to) AS licence_to,
    no_filler(c.licence_no) IS NULL OR c.licence_no = '330110000000' OR no_filler_date(c.licence_to) IS DISTINCT FROM c.licence_to AS has_filler,
    -- the replacement character and private-use ones: once lost, the text can only be asked for again (D13)
    c.name <> trim(c.name, ' 	') OR regexp_matches(concat(c.name, c.address), '[\x{FFFD}\x{E000}-\x{F8FF}０-９]') AS odd_text,
    c.status, c.credit_grade, c.scope_text, c.version_day, c.version_no, c.next_day IS NULL AND c._deleted_at IS NULL AS is_current,
    CASE WHEN c.version_no = 1 THEN DATE '1900-01-01' ELSE c.version_day END AS from_day,
    least(coalesce(c.next_day - 1, DATE '9999-12-31'), coalesce(CAST(c._deleted_at AS DATE) - 1, DATE '9999-12-31')) AS to_day
FROM ordered c
LEFT JOIN staging.stg_own_town t ON t.spelling = coalesce(no_filler(code_norm(c.op_town)), no_filler(code_norm(c.reg_town)))
