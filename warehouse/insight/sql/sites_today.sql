-- A row is a service site of the register, those out of use included, by name. lon, lat: WGS-84 degrees; visits: of
-- $day; usual: mean of a day of $past; stars: mean of the last 90 days. NULL where nothing was counted or rated.
-- $day: the newest day with counts, NULL before the first; $past: the days that tell what is usual, a list;
-- $today: the generation's day.
with
    newest as (select site_id, sum(visit_cnt) as visits from marts.site_hour where day = $day group by 1),
    before as (
        select site_id, sum(visit_cnt) / count(distinct day) as usual
        from marts.site_hour
        where day in (select unnest($past))
        group by 1
    ),
    rated as (
        select site_id, sum(stars) / sum(ratings) as stars
        from marts.site_rating
        where day > $today::date - 90
        group by 1
    )
select
    s.site_id,
    s.name,
    s.kind,
    coalesce(t.name, s.home_area, '') as town,
    s.lon,
    s.lat,
    s.is_open,
    coalesce(s.hours, '') as hours,
    n.visits,
    b.usual,
    r.stars,
    s.usable,
    s.broken,
    s.free
from marts.site s
left join marts.dim_town t on t.code = s.town_code
left join newest n using (site_id)
left join before b using (site_id)
left join rated r using (site_id)
order by s.name
