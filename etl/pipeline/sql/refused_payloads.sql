-- A row is a payload that is not in as a whole and that nobody has acknowledged, newest first, with its number and the
-- reason, on the writer's file.
select landing_seq, source || '_' || entity as table_name, split_part(payload ->> 'name', '|', 1) as name, reason
from raw.quarantine
where row_no = -1 and acknowledged_at is null
order by landing_seq desc
limit 20
