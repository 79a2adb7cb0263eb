-- The handling of an alarm, all reports of its event together, step by step; the last one decides (JT/T 809 1403).
-- Who did it stays out.
select coalesce(g.event_uid, h.alarm_uid) as alarm_uid, h.step, h.action, h.result, h.reason, h.handled_at
from raw.rdm_alarm_handle h
left join staging.stg_gps_alarm g using (alarm_uid)
where coalesce(g.event_uid, h.alarm_uid) in (select alarm_uid from marts.alarm_event)
