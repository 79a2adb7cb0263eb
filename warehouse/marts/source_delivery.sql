-- Deliveries due and whether they came in time and complete; a load of nothing where something is normal is not
-- complete (D21).
select cast(due_at as date) as day, source, entity, due_at, deadline, finished_at, rows, ok from run.delivery
