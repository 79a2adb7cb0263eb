-- One row a month, assigned driver and company: valid seconds against the plan. The same course counts once, only with the
-- face check passed; leave of 20 days or more takes the driver out of both sides. Restricted.
WITH learned AS (
    SELECT person_key, strftime(begin_at, '%Y-%m') AS month, course_id, max(valid_s) AS valid_s FROM raw.rdm_learning WHERE face_ok GROUP BY 1, 2, 3
), total AS (SELECT person_key, month, sum(valid_s) AS valid_s FROM learned GROUP BY 1, 2)
SELECT CAST(p.month || '-01' AS DATE) AS day, p.person_key, code_norm(p.uscc) AS company_key, coalesce(c.town_code, '330110000') AS town_code,
    max(p.required_s) AS required_s, max(coalesce(t.valid_s, 0)) AS valid_s, max(coalesce(t.valid_s, 0)) >= max(p.required_s) AS is_done
FROM raw.rdm_plan p LEFT JOIN total t USING (person_key, month) LEFT JOIN marts.company_span c ON c.company_key = code_norm(p.uscc) AND last_day(CAST(p.month || '-01' AS DATE)) BETWEEN c.from_day AND c.to_day
WHERE coalesce(p.leave_days, 0) < 20 GROUP BY 1, 2, 3, 4
