-- A row is a landed table: data_time and landed_at naive Shanghai, NULL before the first delivery; stale_after_s:
-- seconds its data may be old; error: of the last attempt, '' when it went well.
select source, entity, label, data_time, landed_at, stale_after_s, rows, quarantined, error
from meta.source
order by source, entity
