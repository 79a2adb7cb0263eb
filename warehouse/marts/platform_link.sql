-- Minutes of connection of each platform and day; excused minutes (an outage above, reported beforehand) are not
-- asked for.
select platform_id, day, up_min, coalesce(excused_min, 0) as excused_min, coalesce(break_cnt, 0) as break_cnt
from raw.gps_link_day
where _deleted_at is null
