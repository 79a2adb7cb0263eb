-- A row is an hour of the day and a cell of the map with its alarms. A cell's centre is (cell + ½) · $cell_deg degrees.
-- $cell_deg: side of a cell, degrees; $today: the generation's day; $days: whole days before it that are counted.
select
    hour(raised_at) as hour,
    cast(floor(lon / $cell_deg) as integer) as lon_cell,
    cast(floor(lat / $cell_deg) as integer) as lat_cell,
    count(*) as alarms
from marts.alarm_event
where is_v and lon is not null and lat is not null and day between $today::date - $days and $today::date - 1
group by all
order by all
