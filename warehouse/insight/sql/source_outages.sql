-- A row is a landed table and a day on which a delivery was due and none came.
-- $first, $last: business days, both inclusive.
select source || '_' || entity as name, day
from marts.source_delivery
where day between $first and $last
group by 1, 2
having not bool_or(ok)
order by 1, 2
