-- Versions of every vehicle, oldest first, plate and colour normalised (D02, D03), towns resolved (D12), fillers emptied (D15).
WITH versions AS (
    SELECT * FROM raw.yz_vehicle UNION ALL BY NAME SELECT * FROM raw.yz_vehicle_history
)
SELECT vehicle_key(plate_norm(v.plate_no), plate_color_norm(v.plate_color)) AS vehicle_key, plate_norm(v.plate_no) AS plate,
    v.plate_no <> plate_norm(v.plate_no) AS plate_repaired, NOT is_plate_color(plate_color_norm(v.plate_color)) AS odd_color,
    plate_color_norm(v.plate_color) AS plate_color, v.vin, code_norm(v.uscc) AS company_key, upper(trim(v.veh_type)) AS veh_type,
    coalesce(v.is_trailer, false) AS is_trailer, v.tonnage_t, v.gross_mass_t, v.energy_code, v.emission_stage,
    no_filler_date(v.register_date) AS register_date, no_filler_date(v.register_date) IS DISTINCT FROM v.register_date AS has_filler,
    coalesce(t.code, '330110000') AS town_code, t.code IS NULL AS town_unknown,
    coalesce(t.code, '330110000') IS DISTINCT FROM v.home_town AS odd_town,
    no_filler_date(v.review_due) AS review_due, v.stop_from, v.stop_to, v.status, CAST(v._version AS DATE) AS version_day, CAST(v._deleted_at AS DATE) AS deleted_day,
    row_number() OVER same AS version_no,
    coalesce(lead(CAST(v._version AS DATE)) OVER same - 1, DATE '9999-12-31') AS last_day
FROM versions v LEFT JOIN staging.stg_own_town t ON t.spelling = no_filler(code_norm(v.home_town))
WINDOW same AS (PARTITION BY vehicle_key(plate_norm(v.plate_no), plate_color_norm(v.plate_color)) ORDER BY v._version, v._seq, v._row)
