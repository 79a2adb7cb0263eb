-- A vehicle's life in pieces, both ends inclusive: who owned it, where, in which state. The first version known reaches back
-- to its registration; a first version that is already a departure means it was in service until then (D16, D22).
WITH piece AS (
    SELECT *, CASE WHEN version_no = 1 AND status = '营运' THEN least(coalesce(register_date, version_day), version_day) ELSE version_day END AS from_day,
        last_day AS to_day FROM staging.stg_yz_vehicle
    UNION ALL BY NAME
    SELECT * REPLACE ('营运' AS status), coalesce(register_date, version_day - 365) AS from_day, version_day - 1 AS to_day
    FROM staging.stg_yz_vehicle WHERE version_no = 1 AND status <> '营运'
)
SELECT p.vehicle_key, p.company_key, p.town_code, p.veh_type, p.is_trailer, p.tonnage_t, p.gross_mass_t, p.energy_code,
    CASE WHEN p.plate_color IN (93, 94) OR p.energy_code = 'C' THEN '新能源' WHEN p.energy_code = 'B' THEN '柴油' ELSE '其他' END AS energy,
    CASE WHEN coalesce(c.is_hazmat, false) THEN 'hazmat' ELSE 'freight' END AS vehicle_class,
    coalesce(p.gross_mass_t, 0) > 4.5 AS is_over45, coalesce(regexp_full_match(p.veh_type, 'Q.1'), false) OR coalesce(p.gross_mass_t, 0) >= 12 AS is_heavy,
    coalesce(p.energy_code = 'B', false) AS is_diesel, p.emission_stage, p.review_due, p.status, p.stop_from, p.stop_to, p.from_day, least(p.to_day, coalesce(p.deleted_day - 1, DATE '9999-12-31')) AS to_day
FROM piece p LEFT JOIN marts.dim_company c USING (company_key)
WHERE p.from_day <= least(p.to_day, coalesce(p.deleted_day - 1, DATE '9999-12-31'))
    AND p.town_code NOT LIKE '330113%'
