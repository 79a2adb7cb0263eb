-- A row is a level, the gravest first: median and 90th percentile of the seconds from raised to handled, the seconds
-- allowed, and the alarms, of those handled in the last seven whole days and today. Clock errors do not count.
-- $today: the generation's day.
select
    level,
    quantile_cont(epoch(handled_at - raised_at), 0.5) as median_s,
    quantile_cont(epoch(handled_at - raised_at), 0.9) as p90_s,
    any_value(limit_s) as limit_s,
    count(*) as alarms
from marts.alarm_event
where is_v and is_handled and must_handle and not coalesce(is_clock_error, false) and day >= $today::date - 7
group by 1
order by 1 desc
