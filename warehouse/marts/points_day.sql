-- The points ledger by day and channel; a (type, biz_no) booked twice counts once (D19). Nothing here names anybody.
WITH entry AS (
    SELECT *, row_number() OVER (PARTITION BY type, coalesce(biz_no, 'entry ' || entry_id) ORDER BY entry_id) AS n FROM raw.mp_points WHERE _deleted_at IS NULL
)
SELECT CAST(created_at AS DATE) AS day, coalesce(channel, '未知') AS channel,
    sum(delta) FILTER (type IN ('SIGN', 'VOLUNTEER', 'ACTIVITY', 'ADJUST')) AS issued, -sum(delta) FILTER (type IN ('REDEEM', 'CANCEL')) AS redeemed,
    -sum(delta) FILTER (type = 'EXPIRE') AS expired, sum(delta) AS delta, count(*) AS entry_cnt
FROM entry WHERE n = 1 GROUP BY 1, 2
