-- 一企二员: the posts of instructor and service officer at each company, from when to when, and which unit sends them. Whose post it is
-- stays out of the open file.
SELECT DISTINCT k.company_key, i.role, coalesce(u.name, b.name, i.unit_id) AS unit, i.from_date AS from_day,
    least(coalesce(i.to_date, DATE '9999-12-31'), coalesce(CAST(i._deleted_at AS DATE) - 1, DATE '9999-12-31')) AS to_day
FROM raw.pb_instructor i JOIN staging.stg_pb_company k ON k.written = code_norm(i.uscc)
LEFT JOIN (SELECT unit_id, name FROM raw.own_unit WHERE _deleted_at IS NULL) u USING (unit_id)
LEFT JOIN (SELECT unit_id, name FROM raw.pb_unit WHERE _deleted_at IS NULL) b USING (unit_id)
