-- Every vehicle of the register as it is on the generation's day: its owner, what it is, and until when its papers hold.
SELECT v.vehicle_key, v.company_key, v.town_code, v.veh_type, v.is_trailer, CAST(v.tonnage_t AS DOUBLE) AS tonnage_t, CAST(v.gross_mass_t AS DOUBLE) AS gross_mass_t, v.energy, v.vehicle_class,
    v.is_heavy, v.is_over45, v.emission_stage, v.status, v.review_due, v.stop_from, v.stop_to, p.to_day AS permit_to
FROM marts.dim_vehicle v CROSS JOIN build.today t LEFT JOIN staging.stg_permit p ON p.vehicle_key = v.vehicle_key AND t.day BETWEEN p.from_day AND p.to_day
WHERE t.day BETWEEN v.from_day AND v.to_day
