-- Companies and individual operators as they are now; an individual's name is a person's and is masked, and so is where one lives.
SELECT company_key, CASE WHEN owner_type = '个体' THEN substr(name, 1, 1) || '**(个体)' ELSE name END AS name, owner_type, is_hazmat, town_code, lon, lat,
    status, licence_from, licence_to, credit_grade, scope_text, CASE WHEN owner_type <> '个体' THEN address END AS address
FROM staging.stg_yz_company WHERE is_current
