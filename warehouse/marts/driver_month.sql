-- Scores of a month with the companies in which the driver was on its last day that counts; restricted.
SELECT s.month AS day, s.person_key, p.company_key, p.town_code, s.km, s.score, s.vendor_score
FROM marts.driver_score s CROSS JOIN build.today t JOIN marts.driver_span p ON p.person_key = s.person_key AND least(last_day(s.month), t.day - 1) BETWEEN p.from_day AND p.to_day
