-- A row is a day, an hour of it and a level, with its alarms of vehicles in service.
-- $days: the days to count, a list.
select day, hour(raised_at) as hour, level, count(*) as alarms
from marts.alarm_event
where is_v and day in (select unnest($days))
group by all
