-- A row is a landed table that speaks every day, with the day of its first row.
-- $per_day: rows a day from which on it does.
select source || '_' || entity as name, begins
from meta.source
where rows >= $per_day * greatest(1, cast(data_time as date) - begins + 1)
