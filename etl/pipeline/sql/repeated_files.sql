-- A row is a file that repeated an earlier one byte for byte, newest first, on the writer's file.
select source || '_' || entity as table_name, split_part(name, '|', 1) as name, landed_at
from run.batch as here
where
    rows_in = 0
    and exists (
        select 1
        from run.batch as before
        where
            before.source = here.source
            and before.entity = here.entity
            and before.sha256 = here.sha256
            and before.rows_in > 0
    )
order by landing_seq desc
limit 5
