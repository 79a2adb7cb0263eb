-- The one row is how many drivers a company has on the newest day; restricted file.
-- $company: the company's key.
select count(*) as drivers
from marts.driver_day
where company_key = $company and day = (select max(day) from marts.driver_day)
