-- Who works where from when to when (both inclusive; open end = 9999-12-31). One person may have several.
SELECT person_key, code_norm(uscc) AS company_key, from_date AS from_day,
    coalesce(least(no_filler_date(to_date), CAST(_deleted_at AS DATE)), DATE '9999-12-31') AS to_day, coalesce(is_captain, false) AS is_captain,
    no_filler_date(to_date) IS DISTINCT FROM to_date AS has_filler
FROM raw.yz_employment
