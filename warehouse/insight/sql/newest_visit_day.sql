-- The one row is the newest day with counts of visits, NULL before the first.
-- $today: the generation's day; a later one is an error of the source.
select max(day) as day from marts.site_hour where day <= $today
