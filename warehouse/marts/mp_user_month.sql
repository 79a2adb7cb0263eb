-- Bound accounts of the mini-program by month, whether they did anything up to the last day that counts, and where the person
-- behind them belonged on it; else the town they gave. Restricted.
WITH month AS (
    SELECT CAST(m AS DATE) AS day, least(last_day(CAST(m AS DATE)), t.day - 1) AS until
    FROM build.today t, (SELECT unnest(generate_series(date_trunc('month', (SELECT min(bind_day) FROM staging.stg_mp_user)), (SELECT day FROM build.today), INTERVAL 1 MONTH)) AS m)
    WHERE CAST(m AS DATE) <= t.day - 1
), acted AS (
    SELECT e.user_id, m.day, sum(e.actions) AS actions FROM raw.mp_event_day e JOIN month m ON e.day BETWEEN m.day AND m.until WHERE e._deleted_at IS NULL GROUP BY 1, 2
)
SELECT m.day, u.user_id, s.company_key, coalesce(s.town_code, u.town_code) AS town_code, coalesce(a.actions, 0) >= 1 AS is_active
FROM month m JOIN staging.stg_mp_user u ON u.bind_day <= m.until
LEFT JOIN acted a ON a.user_id = u.user_id AND a.day = m.day
LEFT JOIN marts.driver_span s ON s.person_key = u.person_key AND m.until BETWEEN s.from_day AND s.to_day
