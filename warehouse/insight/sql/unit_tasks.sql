-- A row is a member unit with its tasks of this year, most overdue first: done in time, done late, overdue, not due
-- yet.
-- A task without a day is not due.
-- $today: the generation's day.
select
    unit,
    count(*) filter (is_ontime) as ontime,
    count(*) filter (done_at is not null and not is_ontime) as late,
    count(*) filter (done_at is null and day < $today::date) as overdue,
    count(*) filter (done_at is null and (day is null or day >= $today::date)) as coming
from marts.unit_task
where day is null or year(day) = year($today::date)
group by 1
order by overdue desc, 1
