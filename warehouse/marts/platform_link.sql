-- Minutes of connection of each platform and day; excused minutes (an outage above, reported beforehand) are not asked for.
SELECT platform_id, day, up_min, coalesce(excused_min, 0) AS excused_min, coalesce(break_cnt, 0) AS break_cnt FROM raw.gps_link_day WHERE _deleted_at IS NULL
