-- Versions of the bureau's register of companies of fifty and more, month after month.
WITH version AS (
    SELECT * FROM raw.pb_register50 UNION ALL BY NAME SELECT * FROM raw.pb_register50_history
)
SELECT code_norm(uscc) AS company_key, veh_cnt, driver_cnt, party_cnt, confirmed_at,
    CASE WHEN row_number() OVER same = 1 THEN least(CAST(_version AS DATE), coalesce(confirmed_at, CAST(_version AS DATE))) ELSE CAST(_version AS DATE) END AS from_day,
    least(coalesce(lead(CAST(_version AS DATE)) OVER same - 1, DATE '9999-12-31'), coalesce(CAST(_deleted_at AS DATE) - 1, DATE '9999-12-31')) AS to_day
FROM version WINDOW same AS (PARTITION BY code_norm(uscc) ORDER BY _version, _seq, _row)
