-- Which organisations cover a company, from when to when: Party organisations (its own or joint ones), unions, youth, women.
SELECT DISTINCT o.company_key, o.org_id, '党组织' AS kind, o.org_type, n.name, o.is_own, o.from_day, o.to_day
FROM staging.stg_pb_org o LEFT JOIN raw.pb_org n USING (org_id) WHERE o.company_key IS NOT NULL
UNION ALL
SELECT DISTINCT company_key, org_id, CASE org_type WHEN '团' THEN '团组织' WHEN '妇' THEN '妇女组织' ELSE '工会' END, org_type, NULL, NULL, from_day, to_day FROM staging.stg_un_org
