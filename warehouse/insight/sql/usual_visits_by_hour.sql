-- A row is an hour of the day with the visits of all sites on a mean day of $days; days without counts are none.
-- $days: the days that tell what is usual, a list.
select
    hour,
    sum(visit_cnt) / (select count(distinct day) from marts.site_hour where day in (select unnest($days))) as visits
from marts.site_hour
where day in (select unnest($days))
group by 1
