-- Certificates with their fillers emptied: 6-digit area + 000000 and id6 + 000000000000 only look like numbers (D15).
SELECT cert_type, cert_no, holder_key, unnest(regexp_split_to_array(coalesce(category, ''), '[;；、,]')) AS category,
    no_filler_date(issue_date) AS issue_date, no_filler_date(valid_to) AS valid_to, status,
    regexp_full_match(cert_no, '\d{6}0{6}|\d{6}0{12}') OR no_filler(cert_no) IS NULL AS is_filler
FROM raw.yz_certificate WHERE _deleted_at IS NULL
