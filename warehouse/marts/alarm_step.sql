-- The handling of an alarm step by step; the last one decides (JT/T 809 1403). Who did it stays out.
SELECT alarm_uid, step, action, result, reason, handled_at FROM raw.rdm_alarm_handle WHERE alarm_uid IN (SELECT alarm_uid FROM marts.alarm_event)
