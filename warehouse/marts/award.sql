-- Honours by holder; one passed up a level counts at the highest. A person's belongs where the driver worked, a group's where the
-- company is. Restricted: it has person keys.
WITH named AS (
    SELECT *, coalesce(person_key, org_id, code_norm(uscc), award_id) AS holder, CASE level WHEN '国家' THEN 1 WHEN '省' THEN 2 WHEN '市' THEN 3 WHEN '区' THEN 4 ELSE 5 END AS rank,
        CASE WHEN year(awarded_at) = year THEN awarded_at ELSE make_date(year, 1, 1) END AS day
    FROM raw.hn_award WHERE _deleted_at IS NULL
), best AS (
    SELECT *, row_number() OVER (PARTITION BY award_code, holder, year, status ORDER BY rank, day, award_id) AS n FROM named
)
SELECT b.award_id, b.award_code || '|' || b.holder || '|' || b.year AS honour_id, b.award_code, b.level, coalesce(b.holder_type, CASE WHEN b.person_key IS NULL THEN '集体' ELSE '个人' END) AS holder_type,
    b.holder, b.person_key IS NOT NULL AS is_person, b.status, b.day, coalesce(s.company_key, c.company_key) AS company_key, coalesce(s.town_code, c.town_code) AS town_code
FROM best b LEFT JOIN marts.driver_span s ON s.person_key = b.person_key AND b.day BETWEEN s.from_day AND s.to_day
LEFT JOIN staging.stg_pb_company k ON b.person_key IS NULL AND k.written = code_norm(b.uscc)
LEFT JOIN marts.company_span c ON c.company_key = k.company_key AND b.day BETWEEN c.from_day AND c.to_day
WHERE b.n = 1
