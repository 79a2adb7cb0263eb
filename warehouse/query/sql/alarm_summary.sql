-- The one row is the alarms of a day, of vehicles in service: raised, handled, due.
-- $day: that day.
select count(*) as raised, count(*) filter (is_handled) as handled, count(*) filter (is_due) as due
from marts.alarm_event
where is_v and day = $day
