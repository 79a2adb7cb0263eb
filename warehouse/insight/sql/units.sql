-- A row is a member unit with its tasks of this year: all, due by today, done in time of those.
-- $today: the generation's day.
select
    unit_id,
    any_value(unit) as unit,
    count(*) as tasks,
    count(*) filter (day <= $today) as due,
    count(*) filter (day <= $today and is_ontime) as ontime
from marts.unit_task
where year(day) = year($today)
group by 1
order by unit_id
