-- Deliveries due and whether they came in time and complete; a load of nothing where something is normal is not complete (D21).
SELECT CAST(due_at AS DATE) AS day, source, entity, due_at, deadline, finished_at, rows, ok FROM run.delivery
