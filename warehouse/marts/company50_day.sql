-- Companies of fifty and more on each reading day with everything that the programmes ask of them (C50 of the catalogue).
WITH base AS (
    SELECT c.day, c.company_key, c.town_code, c.v_cnt FROM marts.company_day c CROSS JOIN build.today t WHERE c.is_reg50 AND is_reading_day(c.day, t.day)
), d AS (SELECT DISTINCT day FROM base
), staff AS (
    SELECT company_key, day, count(DISTINCT person_key) FILTER (is_formal) AS formal_cnt FROM marts.driver_day GROUP BY 1, 2
), party AS (
    SELECT o.company_key, d.day, bool_or(o.is_own) AS has_own, true AS is_covered FROM staging.stg_pb_org o JOIN d ON d.day BETWEEN o.from_day AND o.to_day
    WHERE o.company_key IS NOT NULL GROUP BY 1, 2
), guide AS (
    SELECT k.company_key, d.day, bool_or(i.role = '党建指导员') AS has_instructor, bool_or(i.role = '驻企服务员') AS has_servant
    FROM raw.pb_instructor i JOIN staging.stg_pb_company k ON k.written = code_norm(i.uscc)
    JOIN d ON d.day BETWEEN i.from_date AND coalesce(i.to_date, DATE '9999-12-31') AND coalesce(CAST(i._deleted_at AS DATE) > d.day, true) GROUP BY 1, 2
), acted AS (
    SELECT DISTINCT k.company_key, d.day FROM raw.pb_activity a JOIN d ON CAST(a.held_at AS DATE) <= d.day AND CAST(a.held_at AS DATE) >= date_trunc('quarter', d.day)
    JOIN staging.stg_pb_company k ON k.written = code_norm(a.uscc) WHERE a._deleted_at IS NULL
    UNION
    SELECT DISTINCT o.company_key, d.day FROM raw.pb_activity a JOIN d ON CAST(a.held_at AS DATE) <= d.day AND CAST(a.held_at AS DATE) >= date_trunc('quarter', d.day)
    JOIN staging.stg_pb_org o ON o.org_id = a.org_id AND d.day BETWEEN o.from_day AND o.to_day WHERE a._deleted_at IS NULL AND o.company_key IS NOT NULL
), mass AS (
    SELECT u.company_key, d.day, bool_or(u.org_type IN ('工会', '联合工会')) AS has_union, bool_or(u.org_type = '团') AS has_youth, bool_or(u.org_type = '妇') AS has_women
    FROM staging.stg_un_org u JOIN d ON d.day BETWEEN u.from_day AND u.to_day GROUP BY 1, 2
), round AS (
    SELECT d.day, max(s.round_no) AS round_no FROM d JOIN staging.stg_pb_survey s ON s.from_day <= d.day GROUP BY 1
), surveyed AS (
    SELECT DISTINCT s.company_key, r.day FROM round r JOIN staging.stg_pb_survey s ON s.round_no = r.round_no AND r.day BETWEEN s.from_day AND s.to_day
    WHERE s.finished_at <= r.day AND s.missing_cnt = 0
), six AS (
    SELECT code_norm(s.uscc) AS company_key, d.day, count(DISTINCT s.item_no) AS six_done FROM raw.pb_six_one s
    JOIN d ON s.period = year(d.day) || 'Q' || quarter(d.day) AND s.done_at <= d.day WHERE s._deleted_at IS NULL AND s.item_no BETWEEN 1 AND 6 GROUP BY 1, 2
), rule AS (
    SELECT max(value) FILTER (name = 'register_fresh_days') AS fresh_days, max(value) FILTER (name = 'register_diff_cnt') AS diff_cnt,
        max(value) FILTER (name = 'register_diff_ratio') AS diff_ratio FROM raw.own_parameter
)
SELECT b.*, coalesce(f.formal_cnt, 0) AS formal_cnt, coalesce(p.has_own, false) AS has_own_org, coalesce(p.is_covered, false) AS is_covered,
    coalesce(g.has_instructor, false) AS has_instructor, coalesce(g.has_servant, false) AS has_servant, a.company_key IS NOT NULL AS has_activity,
    coalesce(m.has_union, false) AS has_union, coalesce(m.has_youth, false) AS has_youth, coalesce(m.has_women, false) AS has_women,
    s.company_key IS NOT NULL AS is_surveyed, r.company_key IS NOT NULL AS is_registered, coalesce(b.day - r.confirmed_at <= x.fresh_days, false) AS is_fresh,
    r.veh_cnt AS register_veh_cnt, coalesce(abs(r.veh_cnt - b.v_cnt) > x.diff_cnt OR abs(r.veh_cnt - b.v_cnt) > x.diff_ratio * b.v_cnt, false) AS is_diff,
    (SELECT count(*) FROM raw.own_six_one WHERE _deleted_at IS NULL) AS six_due, coalesce(i.six_done, 0) AS six_done
FROM base b CROSS JOIN rule x
LEFT JOIN staff f ON f.company_key = b.company_key AND f.day = b.day
LEFT JOIN party p ON p.company_key = b.company_key AND p.day = b.day
LEFT JOIN guide g ON g.company_key = b.company_key AND g.day = b.day
LEFT JOIN acted a ON a.company_key = b.company_key AND a.day = b.day
LEFT JOIN mass m ON m.company_key = b.company_key AND m.day = b.day
LEFT JOIN surveyed s ON s.company_key = b.company_key AND s.day = b.day
LEFT JOIN staging.stg_pb_register r ON r.company_key = b.company_key AND b.day BETWEEN r.from_day AND r.to_day
LEFT JOIN six i ON i.company_key = b.company_key AND i.day = b.day
