-- A row is an urge to handle an alarm, in order.
-- $uid: the alarm's number.
select urge_id, day, is_urgent, is_due, is_done from marts.alarm_urge where alarm_uid = $uid order by day, urge_id
