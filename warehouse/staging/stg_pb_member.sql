-- Versions of the Party ledger's people, one month after another. The first version reaches back to the day of verification.
WITH version AS (
    SELECT * FROM raw.pb_member UNION ALL BY NAME SELECT * FROM raw.pb_member_history
), ordered AS (
    SELECT *, CAST(_version AS DATE) AS ledger_day, row_number() OVER same AS version_no, lead(CAST(_version AS DATE)) OVER same AS next_day
    FROM version WINDOW same AS (PARTITION BY person_key ORDER BY _version, _seq, _row)
)
SELECT person_key, org_id, stage, verify_status, lead_source IS NOT NULL AS is_lead, verified_at, badge_at,
    verify_status = 'confirmed' AND stage IN ('正式党员', '预备党员') AS is_confirmed,
    CASE WHEN version_no = 1 THEN least(ledger_day, coalesce(verified_at, ledger_day)) ELSE ledger_day END AS from_day,
    least(coalesce(next_day - 1, DATE '9999-12-31'), coalesce(CAST(_deleted_at AS DATE) - 1, DATE '9999-12-31')) AS to_day
FROM ordered
