-- Urges (督办) with their answer; company and town are the vehicle's owner at the alarm, empty where that is unknown.
-- due: the deadline has
-- passed.
with
    alarm as (
        select
            alarm_uid,
            vehicle_key(plate_norm(plate_no), plate_color_norm(plate_color)) as vehicle_key,
            cast(start_at as date) as day
        from raw.gps_alarm
        union all
        select alarm_uid, vehicle_key, day
        from staging.stg_as_alarm
        where level = 2
    )
select
    u.urge_id,
    u.alarm_uid,
    cast(u.sent_at as date) as day,
    v.company_key,
    coalesce(v.town_code, '') as town_code,
    u.level = 0 as is_urgent,
    -- whose an alarm is that never reached us nobody can say: the urge was issued to us and stays due
    a.alarm_uid is null or v.vehicle_key is not null as is_ours,
    u.deadline <= k.as_of as is_due,
    coalesce(u.answer_result = 1 and u.answered_at <= u.deadline, false) as is_done
from raw.gps_alarm_urge u
cross join build.clock k
left join alarm a using (alarm_uid)
left join marts.dim_vehicle v on v.vehicle_key = a.vehicle_key and a.day between v.from_day and v.to_day
