-- Certificates in force (from_day..to_day) and whether they are electronic; once without a place, for the district, and once for
-- each place their holder belonged to meanwhile: the company, the vehicle's owner, the driver's employers. Restricted.
WITH cert AS (
    SELECT DISTINCT cert_type, cert_no || '|' || coalesce(holder_key, '') AS cert_id, holder_key, from_day, to_day, CASE WHEN has_ecert THEN coalesce(ecert_day, from_day) END AS ecert_day
    FROM staging.stg_yz_certificate c WHERE NOT is_filler AND coalesce(status, '有效') <> '注销' AND from_day <= to_day
        -- a permit of a vehicle that is none of ours (临平) is none of ours either
        AND (cert_type <> 'YSZ' OR EXISTS (SELECT 1 FROM marts.dim_vehicle v WHERE v.vehicle_key = vehicle_key(plate_norm(split_part(c.holder_key, '#', 1)), plate_color_norm(TRY_CAST(split_part(c.holder_key, '#', 2) AS SMALLINT)))))
), placed AS (
    SELECT c.cert_id, p.company_key, p.town_code, p.from_day AS a, p.to_day AS b FROM cert c JOIN marts.company_span p ON c.cert_type = 'JYXK' AND p.company_key = code_norm(c.holder_key)
    UNION ALL
    SELECT c.cert_id, v.company_key, v.town_code, v.from_day, v.to_day FROM cert c JOIN marts.dim_vehicle v ON c.cert_type = 'YSZ'
        AND v.vehicle_key = vehicle_key(plate_norm(split_part(c.holder_key, '#', 1)), plate_color_norm(TRY_CAST(split_part(c.holder_key, '#', 2) AS SMALLINT)))
    UNION ALL
    SELECT c.cert_id, p.company_key, p.town_code, p.from_day, p.to_day FROM cert c JOIN marts.driver_span p ON c.cert_type = 'CYZG' AND p.person_key = c.holder_key
)
SELECT cert_id, cert_type, ecert_day, NULL::VARCHAR AS company_key, NULL::VARCHAR AS town_code, from_day, to_day FROM cert
UNION ALL
SELECT DISTINCT c.cert_id, c.cert_type, c.ecert_day, p.company_key, p.town_code, greatest(c.from_day, p.a), least(c.to_day, p.b) FROM cert c JOIN placed p USING (cert_id)
WHERE greatest(c.from_day, p.a) <= least(c.to_day, p.b)
