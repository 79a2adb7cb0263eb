-- A row is a kind of alarm, with its alarms of the last seven whole days and of the seven before, most frequent first.
-- $today: the generation's day; $most: rows at most.
select kind, count(*) filter (day >= $today::date - 7) as now, count(*) filter (day < $today::date - 7) as before
from marts.alarm_event
where is_v and day between $today::date - 14 and $today::date - 1
group by 1
order by now desc, kind
limit $most
