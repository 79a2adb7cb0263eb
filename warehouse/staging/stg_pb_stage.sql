-- Valid steps of the way into the Party, each with the days it held. A step back, or one that comes sooner than the rule
-- allows (a year from 积极分子 to 发展对象, a year as 预备党员), is not believed: the earlier valid stage counts (D17).
WITH step AS (
    SELECT person_key, stage, event_date, CASE stage WHEN '入党申请人' THEN 1 WHEN '入党积极分子' THEN 2 WHEN '发展对象' THEN 3 WHEN '预备党员' THEN 4 WHEN '正式党员' THEN 5 END AS rank
    FROM raw.pb_stage_event WHERE _deleted_at IS NULL
), first AS (
    SELECT person_key, stage, rank, min(event_date) AS event_date FROM step WHERE rank IS NOT NULL GROUP BY 1, 2, 3
), judged AS (
    SELECT *, coalesce(max(rank) OVER earlier > rank, false)
        OR coalesce(rank = 3 AND event_date < max(CASE WHEN rank = 2 THEN event_date END) OVER person + 365, false)
        OR coalesce(rank = 5 AND event_date < max(CASE WHEN rank = 4 THEN event_date END) OVER person + 365, false) AS is_odd
    FROM first WINDOW person AS (PARTITION BY person_key),
        earlier AS (PARTITION BY person_key ORDER BY event_date, rank ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), valid AS (
    SELECT *, coalesce(lead(event_date) OVER (PARTITION BY person_key ORDER BY event_date, rank) - 1, DATE '9999-12-31') AS to_day FROM judged WHERE NOT is_odd
)
SELECT person_key, stage, rank, event_date AS from_day, to_day, false AS is_odd FROM valid
UNION ALL SELECT person_key, stage, rank, event_date, NULL, true FROM judged WHERE is_odd
