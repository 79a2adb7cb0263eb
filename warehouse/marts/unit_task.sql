-- Tasks of the member units on the day by which they are due; a unit is named by the bureau's list, else by the ledger's.
SELECT t.task_id, t.due AS day, t.unit_id, coalesce(u.name, b.name, t.unit_id) AS unit, t.title, coalesce(t.done_at <= t.due, false) AS is_ontime, t.done_at
FROM raw.pb_task t LEFT JOIN (SELECT unit_id, name FROM raw.own_unit WHERE _deleted_at IS NULL) u USING (unit_id)
LEFT JOIN (SELECT unit_id, name FROM raw.pb_unit WHERE _deleted_at IS NULL) b USING (unit_id) WHERE t._deleted_at IS NULL
