-- A row is a delivery and a reason why its messages are no positions (NULL: they are), with their number, on the
-- writer's file.
-- $deliveries: numbers of deliveries, a list.
select _seq, reason, count(*) as messages
from staging.stg_gps_location
where _seq in (select unnest($deliveries))
group by all
order by 1, 3 desc
