-- The handling of an alarm step by step; the last one decides (JT/T 809 1403). Who did it stays out.
select alarm_uid, step, action, result, reason, handled_at
from raw.rdm_alarm_handle
where alarm_uid in (select alarm_uid from marts.alarm_event)
