-- One row a company: the current version, fillers emptied (D15), town spellings resolved (D12), coordinates in WGS-84 (D04).
WITH present AS (
    SELECT *, code_norm(uscc) AS company_key, CAST(_version AS DATE) AS version_day FROM raw.yz_company WHERE _deleted_at IS NULL
    QUALIFY row_number() OVER (PARTITION BY code_norm(uscc) ORDER BY _version DESC, _seq DESC, _row DESC) = 1
)
SELECT c.company_key, trim(c.name, ' 	') AS name, c.owner_type,
    contains(coalesce(c.scope_text, ''), '危险货物') AS is_hazmat,
    coalesce(t.code, '330110000') AS town_code, t.code IS NULL AS town_unknown,
    coalesce(t.code, '330110000') IS DISTINCT FROM coalesce(no_filler(c.op_town), no_filler(c.reg_town)) AS odd_town,
    -- the alphabet of GB 32100 has no I, O, S, V, Z; other forms stay as they are and are listed for a person to match (D11)
    c.company_key <> coalesce(c.licence_no, '') AND NOT regexp_full_match(c.company_key, '[0-9A-HJ-NP-RTUW-Y]{2}[0-9]{6}[0-9A-HJ-NP-RTUW-Y]{10}') AS odd_code,
    CASE WHEN c.coord_sys = 1 THEN wgs_lon(c.lon, c.lat) WHEN c.coord_sys IN (2, 4) THEN c.lon END AS lon,
    CASE WHEN c.coord_sys = 1 THEN wgs_lat(c.lon, c.lat) WHEN c.coord_sys IN (2, 4) THEN c.lat END AS lat,
    c.coord_sys = 1 AND c.lon IS NOT NULL AS was_gcj, coalesce(c.coord_sys, 0) NOT IN (1, 2, 4) AND c.lon IS NOT NULL AS coord_unknown,
    no_filler_date(c.licence_from) AS licence_from, no_filler_date(c.licence_to) AS licence_to,
    no_filler(c.licence_no) IS NULL OR c.licence_no = '330110000000' OR no_filler_date(c.licence_to) IS DISTINCT FROM c.licence_to AS has_filler,
    -- the replacement character and private-use ones: once lost, the text can only be asked for again (D13)
    c.name <> trim(c.name, ' 	') OR regexp_matches(concat(c.name, c.address), '[\x{FFFD}\x{E000}-\x{F8FF}０-９]') AS odd_text,
    c.status, c.version_day
FROM present c
LEFT JOIN staging.stg_own_town t ON t.spelling = coalesce(no_filler(code_norm(c.op_town)), no_filler(code_norm(c.reg_town)))
