-- The points ledger checked against itself (D19): a (type, biz_no) booked twice, a balance that is not the sum of what came
-- before, a cancelled order that gave nothing back.
SELECT p.entry_id, p.user_id, p.type, p.biz_no, p.delta, p.created_at,
    row_number() OVER (PARTITION BY p.type, coalesce(p.biz_no, 'entry ' || p.entry_id) ORDER BY p.entry_id) > 1 AS is_double,
    p.balance_after IS DISTINCT FROM coalesce(lag(p.balance_after) OVER one, 0) + p.delta OR p.balance_after < 0 AS is_off,
    coalesce(p.balance_after, 0) - coalesce(lag(p.balance_after) OVER one, 0) - p.delta AS gap,
    p.type = 'REDEEM' AND coalesce(o.status = '取消', false) AND c.biz_no IS NULL AS is_uncancelled
FROM raw.mp_points p LEFT JOIN raw.mp_order o ON o.order_no = p.biz_no
LEFT JOIN (SELECT DISTINCT biz_no FROM raw.mp_points WHERE type = 'CANCEL') c ON c.biz_no = p.biz_no
WHERE p._deleted_at IS NULL WINDOW one AS (PARTITION BY p.user_id ORDER BY p.entry_id)
