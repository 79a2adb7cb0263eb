-- A row is a payload that is not in as a whole, newest first, with the reason, on the writer's file.
select source || '_' || entity as table_name, split_part(payload ->> 'name', '|', 1) as name, reason
from raw.quarantine
where row_no = -1
order by landing_seq desc
limit 20
