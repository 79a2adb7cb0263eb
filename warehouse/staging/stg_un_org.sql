-- Unions, youth and women's organisations and the companies they cover: their own, and those on the coverage list.
WITH covered AS (
    SELECT org_id, org_type, uscc AS written, set_up_at, _version, _deleted_at FROM raw.un_org WHERE uscc IS NOT NULL
    UNION ALL
    SELECT org_id, org_type, unnest(regexp_split_to_array(coverage, '[;；、,，]')), set_up_at, _version, _deleted_at FROM raw.un_org WHERE coverage IS NOT NULL
)
SELECT DISTINCT c.org_id, c.org_type, k.company_key, coalesce(c.set_up_at, CAST(c._version AS DATE)) AS from_day, coalesce(CAST(c._deleted_at AS DATE) - 1, DATE '9999-12-31') AS to_day
FROM covered c JOIN staging.stg_pb_company k ON k.written = code_norm(c.written)
