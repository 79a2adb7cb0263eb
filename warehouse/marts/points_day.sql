-- The points ledger by day and channel; a (type, biz_no) booked twice counts once (D19). gap: what the app's own balances moved
-- beyond the entries that count. Nothing here names anybody.
WITH entry AS (
    SELECT *, row_number() OVER (PARTITION BY type, coalesce(biz_no, 'entry ' || entry_id) ORDER BY entry_id) AS n,
        coalesce(balance_after, 0) - coalesce(lag(balance_after) OVER (PARTITION BY user_id ORDER BY entry_id), 0) AS moved FROM raw.mp_points WHERE _deleted_at IS NULL
)
SELECT CAST(created_at AS DATE) AS day, coalesce(channel, '未知') AS channel,
    sum(delta) FILTER (n = 1 AND type IN ('SIGN', 'VOLUNTEER', 'ACTIVITY', 'ADJUST')) AS issued, -sum(delta) FILTER (n = 1 AND type IN ('REDEEM', 'CANCEL')) AS redeemed,
    -sum(delta) FILTER (n = 1 AND type = 'EXPIRE') AS expired, coalesce(sum(delta) FILTER (n = 1), 0) AS delta, count(*) FILTER (n = 1) AS entry_cnt,
    sum(moved) - coalesce(sum(delta) FILTER (n = 1), 0) AS gap
FROM entry GROUP BY 1, 2
