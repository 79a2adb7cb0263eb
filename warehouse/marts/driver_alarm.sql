-- Which driver an active-safety alarm of level 2 was raised with; the alarm itself stands in the open file.
-- Restricted.
select alarm_uid, person_key, day from staging.stg_as_alarm where is_alarm and level = 2 and person_key is not null
