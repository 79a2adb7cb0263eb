-- Valid steps of the way into the Party, each with the days it held. Events are taken in their order; one that goes back, or
-- comes sooner than the rule allows (a year from 积极分子 to 发展对象, a year as 预备党员), is not believed (D17).
WITH RECURSIVE event AS (
    SELECT person_key, stage, event_date, rank, row_number() OVER (PARTITION BY person_key ORDER BY event_date, rank) AS n FROM (
        SELECT DISTINCT person_key, stage, event_date, CASE stage WHEN '入党申请人' THEN 1 WHEN '入党积极分子' THEN 2 WHEN '发展对象' THEN 3 WHEN '预备党员' THEN 4 WHEN '正式党员' THEN 5 END AS rank
        FROM raw.pb_stage_event WHERE _deleted_at IS NULL) WHERE rank IS NOT NULL
), walk AS (
    SELECT DISTINCT person_key, CAST(0 AS BIGINT) AS n, 0 AS rank, CAST(NULL AS DATE) AS activist_from, CAST(NULL AS DATE) AS probation_from, CAST(NULL AS VARCHAR) AS stage,
        CAST(NULL AS DATE) AS event_date, false AS is_step, false AS is_odd FROM event
    UNION ALL
    SELECT person_key, n, CASE WHEN is_step THEN new_rank ELSE rank END, CASE WHEN is_step AND new_rank = 2 THEN event_date ELSE activist_from END,
        CASE WHEN is_step AND new_rank = 4 THEN event_date ELSE probation_from END, stage, event_date, is_step, NOT is_step AND new_rank <> rank FROM (
        SELECT e.person_key, e.n, w.rank, e.rank AS new_rank, w.activist_from, w.probation_from, e.stage, e.event_date,
            e.rank > w.rank AND NOT coalesce(e.rank = 3 AND e.event_date < w.activist_from + 365, false) AND NOT coalesce(e.rank = 5 AND e.event_date < w.probation_from + 365, false) AS is_step
        FROM walk w JOIN event e ON e.person_key = w.person_key AND e.n = w.n + 1)
)
SELECT person_key, stage, rank, event_date AS from_day, coalesce(lead(event_date) OVER (PARTITION BY person_key ORDER BY n) - 1, DATE '9999-12-31') AS to_day, false AS is_odd
FROM walk WHERE is_step
UNION ALL SELECT person_key, stage, rank, event_date, NULL, true FROM walk WHERE is_odd
