-- Who works where from when to when (both inclusive; open end = 9999-12-31). One person may have several.
select
    person_key,
    code_norm(uscc) as company_key,
    from_date as from_day,
    coalesce(least(no_filler_date(to_date), cast(_deleted_at as date)), date '9999-12-31') as to_day,
    coalesce(is_captain, false) as is_captain,
    no_filler_date(to_date) is distinct from to_date as has_filler
from raw.yz_employment
