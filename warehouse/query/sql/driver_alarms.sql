-- A row is an alarm of level 2 that was raised with a driver, newest first; restricted file.
-- $person: the driver's pseudonym; $most: rows at most.
select alarm_uid from marts.driver_alarm where person_key = $person order by day desc, alarm_uid desc limit $most
