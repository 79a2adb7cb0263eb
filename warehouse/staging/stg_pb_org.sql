-- Party organisations, version by version, and the companies each of them covers: its own and, for joint ones, every one that
-- is listed (D24: a name is as good as a code when it can mean one company only).
WITH version AS (
    SELECT * FROM raw.pb_org UNION ALL BY NAME SELECT * FROM raw.pb_org_history
), org AS (
    SELECT *, CASE WHEN row_number() OVER same = 1 THEN least(CAST(_version AS DATE), coalesce(set_up_at, CAST(_version AS DATE))) ELSE CAST(_version AS DATE) END AS from_day,
        least(coalesce(lead(CAST(_version AS DATE)) OVER same - 1, DATE '9999-12-31'), coalesce(CAST(_deleted_at AS DATE) - 1, DATE '9999-12-31')) AS to_day
    FROM version WINDOW same AS (PARTITION BY org_id ORDER BY _version, _seq, _row)
), link AS (
    SELECT org_id, uscc, min(CAST(_version AS DATE)) AS from_day, coalesce(max(CAST(_deleted_at AS DATE)) - 1, DATE '9999-12-31') AS to_day FROM (
        SELECT org_id, uscc, _version, _deleted_at FROM raw.pb_org_company UNION ALL SELECT org_id, uscc, _version, NULL FROM raw.pb_org_company_history) GROUP BY 1, 2
), covered AS (
    SELECT o.org_id, o.org_type, o.status, o.set_up_at, o.uscc AS written, o.from_day, o.to_day, true AS is_own FROM org o WHERE o.uscc IS NOT NULL
    UNION ALL
    SELECT o.org_id, o.org_type, o.status, o.set_up_at, l.uscc, greatest(o.from_day, l.from_day), least(o.to_day, l.to_day), false FROM org o JOIN link l USING (org_id) WHERE o.org_type IN ('联合', '行业', '流动')
)
SELECT c.org_id, c.org_type, k.company_key, c.written, c.is_own AND c.org_type IN ('党委', '总支', '支部') AS is_own,
    greatest(c.from_day, coalesce(c.set_up_at, c.from_day)) AS from_day, c.to_day, k.company_key IS NULL AS is_unknown
FROM covered c LEFT JOIN staging.stg_pb_company k ON k.written = code_norm(c.written)
WHERE coalesce(c.status, '正常') <> '撤销' AND c.from_day <= c.to_day
