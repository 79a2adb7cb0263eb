-- A row is an hour of a day with the visits of all sites.
-- $day: that day.
select hour, sum(visit_cnt) as visits from marts.site_hour where day = $day group by 1
