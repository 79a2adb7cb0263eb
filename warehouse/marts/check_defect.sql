-- Defects found by vehicle checks, on the day by which they are due; owner of the vehicle on the day of the check.
SELECT i.check_id, i.item_code, i.due AS day, v.company_key, coalesce(v.town_code, '') AS town_code, v.vehicle_key IS NOT NULL AS is_v,
    coalesce(CAST(i.fixed_at AS DATE) <= i.due, false) AS is_fixed
FROM raw.rdm_check_item i JOIN staging.stg_rdm_check c USING (check_id)
LEFT JOIN marts.dim_vehicle v ON v.vehicle_key = c.vehicle_key AND CAST(c.checked_at AS DATE) BETWEEN v.from_day AND v.to_day AND v.status = '营运' AND NOT v.is_trailer
WHERE i.result = 'fail' AND i.due IS NOT NULL
