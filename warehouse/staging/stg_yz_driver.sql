-- Every version of a person in the register; the key is a pseudonym made at the door, so nothing here names anybody. The
-- first version known reaches back to the beginning.
WITH version AS (
    SELECT * FROM raw.yz_driver UNION ALL BY NAME SELECT * FROM raw.yz_driver_history
), ordered AS (
    SELECT *, row_number() OVER same AS version_no, lead(CAST(_version AS DATE)) OVER same AS next_day
    FROM version WINDOW same AS (PARTITION BY person_key ORDER BY _version, _seq, _row)
)
SELECT person_key, sex, birth_year, phone_hash, integrity_grade, no_filler_date(integrity_to) AS integrity_to, coalesce(status, '在岗') NOT IN ('注销', '离职') AS is_active,
    coalesce(t.code, '330110000') IS DISTINCT FROM home_town AS odd_town, next_day IS NULL AND _deleted_at IS NULL AS is_current,
    CASE WHEN version_no = 1 THEN DATE '1900-01-01' ELSE CAST(_version AS DATE) END AS from_day,
    least(coalesce(next_day - 1, DATE '9999-12-31'), coalesce(CAST(_deleted_at AS DATE) - 1, DATE '9999-12-31')) AS to_day
FROM ordered LEFT JOIN staging.stg_own_town t ON t.spelling = no_filler(code_norm(home_town))
