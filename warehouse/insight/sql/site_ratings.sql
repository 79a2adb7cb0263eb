-- The one row is the stars given to a site and the number of ratings, 0 of 0 without any.
-- $site: its id; $after: the last day that does not count.
select coalesce(sum(stars), 0) as stars, coalesce(sum(ratings), 0) as ratings
from marts.site_rating
where site_id = $site and day > $after
