-- Drivers in post on each day, one row a person and company (P, P45, P50 of the catalogue), person-level: restricted.
WITH company AS (
    SELECT company_key, day, town_code, v_cnt, v45_cnt, is_reg50, is_licensed FROM marts.company_day WHERE day IN (SELECT day FROM build.day)
), qualified AS (
    SELECT holder_key AS person_key, min(issue_date) AS from_day, max(coalesce(valid_to, DATE '9999-12-31')) AS to_day FROM staging.stg_yz_certificate
    WHERE cert_type = 'CYZG' AND NOT is_filler AND contains(category, '驾驶员') AND contains(category, '货物') AND coalesce(status, '有效') <> '注销' GROUP BY 1
), active AS (
    SELECT DISTINCT person_key, active_day FROM (
        SELECT person_key, CAST(begin_at AS DATE) AS active_day FROM raw.rdm_learning UNION ALL SELECT person_key, CAST(checked_at AS DATE) FROM raw.rdm_check)
), present AS (
    SELECT c.day, e.person_key, e.company_key, c.town_code, c.v45_cnt > 0 AS is_p45, c.is_reg50 AS is_p50
    FROM staging.stg_yz_employment e JOIN company c ON c.company_key = e.company_key AND c.day BETWEEN e.from_day AND e.to_day
    JOIN staging.stg_yz_driver d ON d.person_key = e.person_key AND coalesce(d.status, '在岗') NOT IN ('注销', '离职')
    WHERE c.is_licensed
)
SELECT p.day, p.person_key, p.company_key, p.town_code, p.is_p45, p.is_p50, coalesce(p.day BETWEEN q.from_day AND q.to_day, false) AS is_qualified,
    coalesce(a.status = '启用' AND CAST(a.opened_at AS DATE) <= p.day, false) AND coalesce(l.active_day > p.day - 30, false) AS is_connected
FROM present p LEFT JOIN qualified q USING (person_key)
LEFT JOIN (SELECT person_key, max(status) AS status, min(opened_at) AS opened_at FROM raw.rdm_account GROUP BY 1) a USING (person_key)
ASOF LEFT JOIN active l ON l.person_key = p.person_key AND l.active_day <= p.day
