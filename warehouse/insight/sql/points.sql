-- The one row is the points ledger since it began, in points; entries: days with entries, 0 when none has come.
select
    sum(issued) as issued,
    sum(redeemed) as redeemed,
    sum(expired) as expired,
    sum(delta) as balance,
    sum(gap) as gap,
    count(*) as entries
from marts.points_day
