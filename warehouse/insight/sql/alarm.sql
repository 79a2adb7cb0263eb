-- The one row is an alarm. limit_s: seconds allowed for its level; speed_kmh, limit_kmh: of a speeding; lon, lat:
-- WGS-84 degrees; times naive Shanghai.
-- $uid: its number.
select * from marts.alarm_event where alarm_uid = $uid
