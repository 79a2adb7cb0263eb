-- Certificates by category with the days on which each version was in force (from_day..to_day, both inclusive), fillers marked:
-- 6-digit area + 000000 and id6 + 000000000000 only look like numbers (D15). A renewal counts from the day it was entered.
WITH version AS (
    SELECT * FROM raw.yz_certificate UNION ALL BY NAME SELECT * FROM raw.yz_certificate_history
), ordered AS (
    SELECT *, row_number() OVER same AS version_no, lead(CAST(_version AS DATE)) OVER same AS next_day
    FROM version WINDOW same AS (PARTITION BY cert_type, cert_no, holder_key ORDER BY _version, _seq, _row)
)
SELECT cert_type, cert_no, holder_key, unnest(regexp_split_to_array(coalesce(category, ''), '[;；、,]')) AS category,
    no_filler(ecert_id) IS NOT NULL AS has_ecert, CAST(ecert_at AS DATE) AS ecert_day, status,
    regexp_full_match(cert_no, '\d{6}0{6}|\d{6}0{12}') OR no_filler(cert_no) IS NULL AS is_filler, next_day IS NULL AND _deleted_at IS NULL AS is_current,
    greatest(coalesce(no_filler_date(issue_date), DATE '1900-01-01'), CASE WHEN version_no = 1 THEN DATE '1900-01-01' ELSE CAST(_version AS DATE) END) AS from_day,
    least(coalesce(no_filler_date(valid_to), DATE '9999-12-31'), coalesce(next_day - 1, DATE '9999-12-31'), coalesce(CAST(_deleted_at AS DATE) - 1, DATE '9999-12-31')) AS to_day
FROM ordered
