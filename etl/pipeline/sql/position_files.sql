-- A row is a delivery of positions by file with a mapping of its own, in order, on the writer's file.
select landing_seq, split_part(name, '|', 1) as name
from run.batch
where source = 'gps' and entity = 'location' and name like 'gps/%' and name not like 'gps/location/%' and merged > 0
order by 1
