-- A row is a month of a driver at a company (day: its first day), newest first: our score and the vendor's, points, and
-- kilometres; restricted file.
-- $person: the driver's pseudonym; $company: the company's key; $most: months at most.
select day, score, vendor_score, km
from marts.driver_month
where person_key = $person and company_key = $company
order by day desc
limit $most
