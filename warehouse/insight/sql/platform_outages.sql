-- A row is a day on which the positioning platforms were connected for less than a share of the minutes they owed.
-- $first, $last: business days, both inclusive; $floor: that share, 0–1.
select day
from marts.platform_link
where day between $first and $last
group by 1
having sum(up_min) < $floor * sum(1440 - excused_min)
order by 1
