-- Scores of a month with the companies in which the driver was on its last day that counts; restricted.
select s.month as day, s.person_key, p.company_key, p.town_code, s.km, s.score, s.vendor_score
from marts.driver_score s
cross join build.today t
join
    marts.driver_span p
    on p.person_key = s.person_key
    and least(last_day(s.month), t.day - 1) between p.from_day and p.to_day
