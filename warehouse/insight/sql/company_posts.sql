-- A row is a post at a company that is filled on a day.
-- $company: its key; $today: the generation's day.
select role, unit, from_day, to_day
from marts.company_post
where company_key = $company and to_day >= $today and from_day <= $today
order by role, from_day desc
