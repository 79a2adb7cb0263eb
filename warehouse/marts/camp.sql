-- Summer camps of drivers' children: the organiser's count, nothing of any child.
SELECT camp_id, coalesce(begin_at, make_date(year, 7, 1)) AS day, child_cnt FROM raw.wf_camp WHERE _deleted_at IS NULL
