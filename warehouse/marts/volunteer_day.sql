-- Volunteer hours of a person and day with the companies of that day; restricted.
select v.who, v.day, v.hours, s.company_key, s.town_code
from staging.stg_mp_volunteer v
left join marts.driver_span s on s.person_key = v.person_key and v.day between s.from_day and s.to_day
