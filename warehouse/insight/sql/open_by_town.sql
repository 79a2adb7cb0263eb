-- A row is a town with alarms of vehicles in service that must be handled and are not: how many, and how many of them
-- beyond the time allowed. '330110000': of no town.
-- $now: the moment of the generation, naive Shanghai; $since: the first day that still counts.
select town_code, count(*) as open, count(*) filter (epoch($now::timestamp - raised_at) > limit_s) as overdue
from marts.alarm_event
where is_v and must_handle and not is_handled and day >= $since::date
group by 1
order by overdue desc, open desc, 1
