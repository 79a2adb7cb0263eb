-- Visits by hour of the last five weeks, counted in the one way that counts for that site and day (scans before the
-- counter before hand counts, KPI 70). An hour without a count has no row.
select v.site_id, d.day, hour(v.visited_at) as hour, sum(v.cnt) as visit_cnt
from marts.site_day d
join
    raw.st_visit v
    on v.site_id = d.site_id
    and cast(v.visited_at as date) = d.day
    and v.method = d.visit_method
    and v._deleted_at is null
where d.day > (select day from build.today) - 35
group by all
