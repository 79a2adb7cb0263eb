-- A row is a landed table with its payloads and what became of their rows, on the writer's file.
select
    source || '_' || entity as table_name,
    count(*) as payloads,
    sum(rows_in) as rows_in,
    sum(merged) as merged,
    sum(older) as older,
    sum(duplicate) as duplicate,
    sum(quarantined) as quarantined,
    sum(dropped_fields) as dropped_fields,
    coalesce(sum(fields_aside), 0) as fields_aside
from run.batch
group by all
order by 1
