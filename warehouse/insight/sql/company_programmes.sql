-- The one row is what the programmes know of a company on the newest day; none for one under fifty.
-- $company: its key.
select
    day,
    formal_cnt,
    is_covered,
    has_own_org,
    has_union,
    has_youth,
    has_women,
    is_surveyed,
    is_registered,
    is_fresh,
    register_veh_cnt,
    is_diff,
    six_due,
    six_done
from marts.company50_day
where company_key = $company and day = (select max(day) from marts.company50_day)
limit 1
