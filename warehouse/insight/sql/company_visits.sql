-- A row is one of the six newest visits to a company, newest first. done_day: NULL for one that is planned only.
-- $company: its key.
select visit_id, day, done_day from marts.company_visit where company_key = $company order by day desc limit 6
