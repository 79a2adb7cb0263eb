-- Which driver an active-safety alarm of level 2 was raised with; the alarm itself stands in the open file. Restricted.
SELECT alarm_uid, person_key, day FROM staging.stg_as_alarm WHERE is_alarm AND level = 2 AND person_key IS NOT NULL
