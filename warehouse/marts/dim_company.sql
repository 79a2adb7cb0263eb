-- Companies and individual operators as they are now; an individual's name is a person's and is masked. closed_day: the day the register says it ended, NULL while it trades.
SELECT company_key, CASE WHEN owner_type = '个体' THEN substr(name, 1, 1) || '**(个体)' ELSE name END AS name, owner_type, is_hazmat, town_code, lon, lat, coalesce(licence_from, DATE '2000-01-01') AS from_day,
    coalesce(licence_to, DATE '9999-12-31') AS licence_to, CASE WHEN status <> '营业' THEN version_day END AS closed_day
FROM staging.stg_yz_company
