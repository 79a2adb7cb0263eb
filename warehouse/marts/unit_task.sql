-- Tasks of the member units on the day by which they are due; a unit is named by the bureau's list, else by the
-- ledger's.
select
    t.task_id,
    t.due as day,
    t.unit_id,
    coalesce(u.name, b.name, t.unit_id) as unit,
    t.title,
    coalesce(t.done_at <= t.due, false) as is_ontime,
    t.done_at
from raw.pb_task t
left join (select unit_id, name from raw.own_unit where _deleted_at is null) u using (unit_id)
left join (select unit_id, name from raw.pb_unit where _deleted_at is null) b using (unit_id)
where t._deleted_at is null
