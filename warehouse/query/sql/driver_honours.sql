-- A row is an honour that a driver of a company has won, newest first; restricted file.
-- $person: the driver's pseudonym; $company: the company's key.
select award_code, level, day
from marts.award
where holder = $person and status = '获得' and company_key = $company and to_day = date '9999-12-31'
order by day desc
