-- Vehicle checks with plate and colour normalised.
SELECT check_id, vehicle_key(plate_norm(plate_no), plate_color_norm(plate_color)) AS vehicle_key, person_key, check_type, checked_at,
    coalesce(complete, false) AS complete
FROM raw.rdm_check
