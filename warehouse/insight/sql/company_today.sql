-- The one row is a company on its newest day: vehicles (all, heavy, above 4.5 t) and both flags of fifty.
-- $company: its key.
select day, v_cnt, vh_cnt, v45_cnt, is_licensed, is_reg50, is_reg50_heavy
from marts.company_day
where company_key = $company
order by day desc
limit 1
