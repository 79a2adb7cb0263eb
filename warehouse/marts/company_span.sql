-- A company's life in pieces, both ends inclusive: where it was, what it was and whether it held a valid licence and traded
-- (C of the catalogue = is_licensed). A first version that is already an ending means it traded until then (SCD2, D16).
WITH piece AS (
    SELECT *, status = '营业' AS is_trading FROM staging.stg_yz_company
    UNION ALL BY NAME
    SELECT * REPLACE (version_day - 1 AS to_day), true AS is_trading FROM staging.stg_yz_company WHERE version_no = 1 AND status <> '营业'
), timed AS (
    SELECT * REPLACE (CASE WHEN version_no = 1 AND NOT is_trading THEN version_day ELSE from_day END AS from_day) FROM piece
), cut AS (
    -- the licence's dates cut a piece into before, within and after
    SELECT *, unnest([
        struct_pack(a := from_day, b := least(to_day, coalesce(licence_from, DATE '1900-01-01') - 1), within := false),
        struct_pack(a := greatest(from_day, coalesce(licence_from, DATE '1900-01-01')), b := least(to_day, coalesce(licence_to, DATE '9999-12-31')), within := true),
        struct_pack(a := greatest(from_day, coalesce(licence_to, DATE '9999-12-30') + 1), b := to_day, within := false)]) AS p
    FROM timed
)
SELECT company_key, p.a AS from_day, p.b AS to_day, town_code, coalesce(owner_type, '未知') AS owner_type, is_hazmat, is_trading AND p.within AS is_licensed
FROM cut WHERE p.a <= p.b AND (p.within OR p.a < DATE '9999-12-31')
