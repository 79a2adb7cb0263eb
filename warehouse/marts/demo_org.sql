-- 双强六好 points: in cultivation or recognised, from when to when.
SELECT d.org_id, d.stage, d.from_date AS from_day, coalesce(d.to_date, CAST(d._deleted_at AS DATE) - 1, DATE '9999-12-31') AS to_day, k.company_key, coalesce(c.town_code, '') AS town_code
FROM raw.hn_demo d LEFT JOIN staging.stg_pb_company k ON k.written = code_norm(d.uscc)
LEFT JOIN marts.company_span c ON c.company_key = k.company_key AND d.from_date BETWEEN c.from_day AND c.to_day
WHERE d.stage <> '撤销'
