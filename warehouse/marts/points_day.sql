-- The points ledger by day and channel; a (type, biz_no) booked twice counts once (D19). gap: what the app's own
-- balances moved beyond the entries that count. Nothing here names anybody.
with
    entry as (
        select
            *,
            row_number() over (partition by type, coalesce(biz_no, 'entry ' || entry_id) order by entry_id) as n,
            coalesce(balance_after, 0)
            - coalesce(lag(balance_after) over (partition by user_id order by entry_id), 0) as moved
        from raw.mp_points
        where _deleted_at is null
    )
select
    cast(created_at as date) as day,
    coalesce(channel, '未知') as channel,
    sum(delta) filter (n = 1 and type in ('SIGN', 'VOLUNTEER', 'ACTIVITY', 'ADJUST')) as issued,
    - sum(delta) filter (n = 1 and type in ('REDEEM', 'CANCEL')) as redeemed,
    - sum(delta) filter (n = 1 and type = 'EXPIRE') as expired,
    coalesce(sum(delta) filter (n = 1), 0) as delta,
    count(*) filter (n = 1) as entry_cnt,
    sum(moved) - coalesce(sum(delta) filter (n = 1), 0) as gap
from entry
group by 1, 2
