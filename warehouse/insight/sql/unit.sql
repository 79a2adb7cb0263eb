-- A row is a task of a member unit, newest first. done_at: naive Shanghai, NULL for one that is not done.
-- $unit: the unit's id.
select task_id, unit_id, unit, title, day, is_ontime, done_at
from marts.unit_task
where unit_id = $unit
order by day desc, task_id
