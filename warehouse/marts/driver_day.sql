-- Drivers in post on each reading day, one row a person and company (P, P45, P50 of the catalogue) with everything that the
-- driver, membership and programme indicators ask of a person on that day. Person-level: restricted.
WITH d AS (
    SELECT b.day FROM build.day b CROSS JOIN build.today t WHERE is_reading_day(b.day, t.day)
), present AS (
    SELECT d.day, p.*, c.v45_cnt > 0 AS is_p45, c.is_reg50 AS is_p50
    FROM d JOIN marts.driver_span p ON d.day BETWEEN p.from_day AND p.to_day
    JOIN marts.company_day c ON c.company_key = p.company_key AND c.day = d.day
), qualified AS (
    SELECT DISTINCT q.holder_key AS person_key, d.day FROM staging.stg_yz_certificate q JOIN d
    ON d.day BETWEEN q.from_day AND q.to_day
    WHERE q.cert_type = 'CYZG' AND NOT q.is_filler AND contains(q.category, '驾驶员') AND contains(q.category, '货物') AND coalesce(q.status, '有效') <> '注销'
), event AS (
    SELECT person_key, CAST(begin_at AS DATE) AS day FROM raw.rdm_learning UNION SELECT person_key, CAST(checked_at AS DATE) FROM raw.rdm_check
), connected AS (
    SELECT DISTINCT a.person_key, d.day FROM (SELECT person_key, min(CAST(opened_at AS DATE)) AS opened FROM raw.rdm_account WHERE status = '启用' AND _deleted_at IS NULL GROUP BY 1) a
    JOIN d ON a.opened <= d.day
    JOIN (SELECT DISTINCT e.person_key, d.day FROM event e JOIN d ON e.day > d.day - 30 AND e.day <= d.day) l ON l.person_key = a.person_key AND l.day = d.day
), member AS (
    SELECT m.person_key, d.day, bool_or(m.is_confirmed AND coalesce(m.verified_at <= d.day, true)) AS is_member,
        bool_or(m.is_confirmed AND m.stage = '正式党员' AND coalesce(m.verified_at <= d.day, true)) AS is_formal, bool_or(m.badge_at <= d.day) AS is_badged,
        bool_or(m.verify_status = 'lead') AS is_open_lead, bool_or(m.is_lead) AS is_lead, bool_or(m.is_lead AND m.verify_status IN ('confirmed', 'excluded')) AS is_resolved,
        bool_or(m.is_lead AND m.verify_status = 'confirmed') AS is_lead_confirmed
    FROM staging.stg_pb_member m JOIN d ON d.day BETWEEN m.from_day AND m.to_day GROUP BY 1, 2
), staged AS (
    SELECT s.person_key, d.day, arg_max(s.stage, s.from_day) AS stage, max(s.from_day) AS stage_from FROM staging.stg_pb_stage s JOIN d ON NOT s.is_odd AND d.day BETWEEN s.from_day AND s.to_day GROUP BY 1, 2
), unionised AS (
    SELECT DISTINCT u.person_key, d.day FROM raw.un_member u JOIN d ON u.join_date <= d.day AND coalesce(u.leave_date > d.day, true) AND coalesce(CAST(u._deleted_at AS DATE) > d.day, true)
), account AS (
    SELECT person_key, min(bind_day) AS bind_day FROM staging.stg_mp_user WHERE person_key IS NOT NULL GROUP BY 1
), lit AS (
    SELECT DISTINCT u.person_key, d.day FROM raw.mp_red_heart h JOIN staging.stg_mp_user u USING (user_id)
    JOIN d ON CAST(h.lit_at AS DATE) <= d.day AND coalesce(CAST(h.off_at AS DATE) > d.day, true) WHERE h.audit_status = '通过'
), helped AS (
    SELECT DISTINCT v.person_key, d.day FROM staging.stg_mp_volunteer v JOIN d ON v.day <= d.day AND v.day >= date_trunc('quarter', d.day) WHERE v.person_key IS NOT NULL
), tired AS (
    SELECT a.person_key, d.day FROM staging.stg_as_alarm a JOIN d ON a.day BETWEEN d.day - 6 AND d.day
    WHERE a.is_alarm AND a.is_fatigue AND a.level = 2 AND a.person_key IS NOT NULL GROUP BY 1, 2 HAVING count(*) >= 2
), red AS (
    SELECT s.person_key, d.day FROM raw.ext_safety_code s JOIN d ON s.day BETWEEN d.day - 6 AND d.day GROUP BY 1, 2 HAVING arg_max(s.colour, s.day) = '红'
), scored AS (
    SELECT person_key, month, score < (SELECT max(value) FROM raw.own_parameter WHERE name = 'high_risk_score') AS is_low FROM marts.driver_score
)
SELECT p.day, p.person_key, p.company_key, p.town_code, CASE WHEN p.owner_type = '企业' THEN '企业聘用' ELSE '个体' END AS employer, coalesce(p.sex, '未知') AS sex,
    CASE WHEN p.birth_year IS NULL THEN '未知' WHEN year(p.day) - p.birth_year < 30 THEN '30岁以下' WHEN year(p.day) - p.birth_year < 40 THEN '30–39岁'
        WHEN year(p.day) - p.birth_year < 50 THEN '40–49岁' WHEN year(p.day) - p.birth_year < 60 THEN '50–59岁' ELSE '60岁及以上' END AS age_band,
    p.is_captain, p.is_p45, p.is_p50, q.person_key IS NOT NULL AS is_qualified, p.integrity_grade,
    coalesce(p.integrity_grade IN ('AAA', 'AA', 'A', 'B') AND p.day BETWEEN p.integrity_to - INTERVAL 1 YEAR AND p.integrity_to, false) AS is_graded,
    c.person_key IS NOT NULL AS is_connected, coalesce(m.is_member, false) AS is_member, coalesce(m.is_formal, false) AS is_formal, coalesce(m.is_open_lead, false) AS is_open_lead,
    coalesce(m.is_lead, false) AS is_lead, coalesce(m.is_resolved, false) AS is_resolved, coalesce(m.is_lead_confirmed, false) AS is_lead_confirmed,
    s.stage, s.stage IS NOT NULL AND (s.stage <> '正式党员' OR year(s.stage_from) = year(p.day)) AS is_in_pipeline,
    u.person_key IS NOT NULL AS is_union, coalesce(a.bind_day <= p.day, false) AS is_registered, l.person_key IS NOT NULL AS is_lit, coalesce(m.is_badged, false) AS is_badged,
    coalesce(m.is_member, false) OR coalesce(s.stage = '入党积极分子', false) OR p.is_captain AS is_backbone, h.person_key IS NOT NULL AS has_helped,
    coalesce(k.is_low, false) OR t.person_key IS NOT NULL OR r.person_key IS NOT NULL AS is_high_risk
FROM present p
LEFT JOIN qualified q ON q.person_key = p.person_key AND q.day = p.day
LEFT JOIN connected c ON c.person_key = p.person_key AND c.day = p.day
LEFT JOIN member m ON m.person_key = p.person_key AND m.day = p.day
LEFT JOIN staged s ON s.person_key = p.person_key AND s.day = p.day
LEFT JOIN unionised u ON u.person_key = p.person_key AND u.day = p.day
LEFT JOIN account a ON a.person_key = p.person_key
LEFT JOIN lit l ON l.person_key = p.person_key AND l.day = p.day
LEFT JOIN helped h ON h.person_key = p.person_key AND h.day = p.day
LEFT JOIN tired t ON t.person_key = p.person_key AND t.day = p.day
LEFT JOIN red r ON r.person_key = p.person_key AND r.day = p.day
LEFT JOIN scored k ON k.person_key = p.person_key AND k.month = CAST(date_trunc('month', p.day) - INTERVAL 1 MONTH AS DATE)
