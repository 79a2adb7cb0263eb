-- A row is a company with one vehicle at most; in generations that do not know owners with one driver.
select company_key
from marts.vehicle_current
where not is_trailer and company_key is not null
group by 1
having count(*) <= 1
