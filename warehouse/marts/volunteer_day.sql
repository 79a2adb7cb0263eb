-- Volunteer hours of a person and day with the companies of that day; restricted.
SELECT v.who, v.day, v.hours, s.company_key, s.town_code
FROM staging.stg_mp_volunteer v LEFT JOIN marts.driver_span s ON s.person_key = v.person_key AND v.day BETWEEN s.from_day AND s.to_day
