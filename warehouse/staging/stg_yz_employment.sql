-- Who works where from when to when (both inclusive; open end = 9999-12-31; one that the register has deleted counts
-- until the day before). One person may have several.
select
    person_key,
    code_norm(uscc) as company_key,
    from_date as from_day,
    coalesce(least(no_filler_date(to_date), cast(_deleted_at as date) - 1), date '9999-12-31') as to_day,
    coalesce(is_captain, false) as is_captain,
    no_filler_date(to_date) is distinct from to_date as has_filler,
    -- the licence number stands in for the code of an individual
    not is_uscc(code_norm(uscc))
    and code_norm(uscc)
    not in (select code_norm(licence_no) from raw.yz_company where licence_no is not null) as odd_code,
    _deleted_at is not null as is_deleted,
    _seq,
    _row
from raw.yz_employment
