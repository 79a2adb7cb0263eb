-- A row is a measure with the alarms handled by it in the last seven whole days and today, most frequent first.
-- $today: the generation's day.
select coalesce(action, '未注明') as action, count(*) as alarms
from marts.alarm_event
where is_v and is_handled and day >= $today::date - 7
group by 1
order by alarms desc, 1
