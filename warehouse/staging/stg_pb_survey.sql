-- Survey forms, version by version: which round was running and whose form was complete on any day.
WITH version AS (
    SELECT * FROM raw.pb_survey UNION ALL BY NAME SELECT * FROM raw.pb_survey_history
)
SELECT round_no, code_norm(uscc) AS company_key, finished_at, missing_cnt,
    CASE WHEN row_number() OVER same = 1 THEN least(CAST(_version AS DATE), coalesce(finished_at, CAST(_version AS DATE))) ELSE CAST(_version AS DATE) END AS from_day,
    least(coalesce(lead(CAST(_version AS DATE)) OVER same - 1, DATE '9999-12-31'), coalesce(CAST(_deleted_at AS DATE) - 1, DATE '9999-12-31')) AS to_day
FROM version WINDOW same AS (PARTITION BY round_no, code_norm(uscc) ORDER BY _version, _seq, _row)
