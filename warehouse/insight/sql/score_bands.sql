-- A row is one of the two newest months with scores (day: its first day) and a band of scores (lower bound, points),
-- with its drivers; the newest month and the lowest band first.
select day, band, driver_cnt
from marts.driver_band
where day in (select distinct day from marts.driver_band order by day desc limit 2)
order by day desc, band
