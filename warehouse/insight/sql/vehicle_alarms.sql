-- A row is an alarm of a vehicle that must be handled, open ones first, then the newest.
-- $vehicle: its key; $since: the first day that counts; $most: rows at most.
select *
from marts.alarm_event
where vehicle_key = $vehicle and day >= $since and must_handle
order by is_handled, raised_at desc, alarm_uid
limit $most
