-- The points ledger checked against itself (D19): a (type, biz_no) booked twice, a balance that is not the sum of
-- what came before, a cancelled order that gave nothing back.
select
    p.entry_id,
    p.user_id,
    p.type,
    p.biz_no,
    p.delta,
    p.created_at,
    row_number() over (partition by p.type, coalesce(p.biz_no, 'entry ' || p.entry_id) order by p.entry_id)
    > 1 as is_double,
    p.balance_after is distinct from coalesce(lag(p.balance_after) over one, 0) + p.delta
    or p.balance_after < 0 as is_off,
    coalesce(p.balance_after, 0) - coalesce(lag(p.balance_after) over one, 0) - p.delta as gap,
    p.type = 'REDEEM' and coalesce(o.status = '取消', false) and c.biz_no is null as is_uncancelled
from raw.mp_points p
left join raw.mp_order o on o.order_no = p.biz_no
left join (select distinct biz_no from raw.mp_points where type = 'CANCEL') c on c.biz_no = p.biz_no
where p._deleted_at is null
window one as (partition by p.user_id order by p.entry_id)
