-- Ratings of sites by day, already summed: one a person, site and day, at the town in which the site was then.
select r.site_id, r.day, coalesce(s.town_code, '') as town_code, sum(r.stars) as stars, count(*) as ratings
from raw.st_rating r
left join staging.stg_st_site s on s.site_id = r.site_id and r.day between s.from_day and s.to_day
where r._deleted_at is null and r.stars between 1 and 5
group by 1, 2, 3
