-- A row is a step in the handling of an alarm, in order. handled_at: naive Shanghai.
-- $uid: the alarm's number.
select step, action, result, reason, handled_at from marts.alarm_step where alarm_uid = $uid order by step, handled_at
