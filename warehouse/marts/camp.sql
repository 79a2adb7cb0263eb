-- Summer camps of drivers' children: the organiser's count, nothing of any child.
select camp_id, coalesce(begin_at, make_date(year, 7, 1)) as day, child_cnt from raw.wf_camp where _deleted_at is null
