-- Who a driver is, as far as anybody may be told: a masked name and the papers, nothing that identifies. Restricted.
SELECT d.person_key, d.name_mask, d.licence_class, d.licence_to, d.integrity_grade, d.integrity_to, c.to_day AS qualified_to
FROM raw.yz_driver d LEFT JOIN (SELECT holder_key, max(to_day) AS to_day FROM staging.stg_yz_certificate WHERE cert_type = 'CYZG' AND is_current AND NOT is_filler AND coalesce(status, '有效') <> '注销' GROUP BY 1) c
    ON c.holder_key = d.person_key
WHERE d._deleted_at IS NULL
