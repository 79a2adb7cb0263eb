-- A row is a month of a driver's learning at a company (day: its first day), newest first: seconds required and seconds
-- that count; restricted file.
-- $person: the driver's pseudonym; $company: the company's key; $most: months at most.
select day, required_s, valid_s, is_done
from marts.driver_learning
where person_key = $person and company_key = $company
order by day desc
limit $most
