-- Over-limit permits on the day they were decided; working days are counted after the day of acceptance up to that of the
-- decision, by the State Council's calendar (own_workday) and the limit of scope and class.
WITH permit AS (
    SELECT permit_id, code_norm(uscc) AS company_key, scope, permit_class, coalesce(auto_flag, false) AS is_auto, CAST(accepted_at AS DATE) AS accepted_day, CAST(decided_at AS DATE) AS day
    FROM raw.yz_overlimit WHERE decided_at IS NOT NULL AND _deleted_at IS NULL
), calendar AS (
    SELECT CAST(c.day AS DATE) AS day, coalesce(w.is_workday, isodow(c.day) < 6) AS is_workday
    FROM (SELECT unnest(generate_series((SELECT min(accepted_day) FROM permit), (SELECT max(day) FROM permit), INTERVAL 1 DAY)) AS day) c
    LEFT JOIN raw.own_workday w ON w.day = CAST(c.day AS DATE)
), took AS (
    SELECT p.permit_id, count(c.day) FILTER (c.is_workday) AS workdays FROM permit p LEFT JOIN calendar c ON c.day > p.accepted_day AND c.day <= p.day GROUP BY 1
)
SELECT p.permit_id, p.day, p.company_key, coalesce(c.town_code, '') AS town_code, p.scope, p.permit_class, p.is_auto, t.workdays, l.workdays AS limit_days,
    coalesce(t.workdays <= l.workdays, false) AS is_ontime
FROM permit p JOIN took t USING (permit_id) LEFT JOIN raw.own_permit_limit l ON l.scope = p.scope AND l.permit_class = p.permit_class
LEFT JOIN marts.company_span c ON c.company_key = p.company_key AND p.day BETWEEN c.from_day AND c.to_day
