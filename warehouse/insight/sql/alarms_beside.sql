-- A row is another alarm that a vehicle raised on the day of one, first to last.
-- $vehicle: its key; $day: that day; $uid: the alarm beside which they stand.
select *
from marts.alarm_event
where vehicle_key = $vehicle and day = $day and alarm_uid <> $uid
order by raised_at
limit 20
