-- A row is a day of a site before today, newest first: visits, and minutes open of the minutes it should be.
-- $site: its id; $today: the generation's day; $most: days at most.
select day, visit_cnt, visit_method, opened_min, scheduled_min, is_excused
from marts.site_day
where site_id = $site and day < $today
order by day desc
limit $most
