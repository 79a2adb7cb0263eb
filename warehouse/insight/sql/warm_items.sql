-- A row is one of the ten items of care of this year, in order: weight of all its nodes, of those due by today and of
-- those done.
-- $today: the generation's day.
select
    item,
    any_value(owner_unit) as owner_unit,
    cast(sum(weight) as double) as weight,
    cast(coalesce(sum(weight) filter (due <= $today), 0) as double) as due,
    cast(coalesce(sum(weight) filter (done_day <= $today), 0) as double) as done
from marts.warm_milestone
where year = year($today)
group by 1
order by any_value(item_no)
