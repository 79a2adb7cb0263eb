-- Accounts of the mini-program with the person behind them: by identity, else by a phone that only one driver has (D25, a weak
-- match, marked as such).
WITH phone AS (
    SELECT phone_hash, min(person_key) AS person_key FROM staging.stg_yz_driver WHERE phone_hash IS NOT NULL AND is_current GROUP BY 1 HAVING count(DISTINCT person_key) = 1
)
SELECT u.user_id, coalesce(u.person_key, p.person_key) AS person_key, u.person_key IS NULL AND p.person_key IS NOT NULL AS is_by_phone,
    CAST(u.bind_at AS DATE) AS bind_day, coalesce(t.code, '330110000') AS town_code,
    count(*) OVER (PARTITION BY coalesce(u.person_key, p.person_key, u.user_id)) > 1 AS is_double
FROM raw.mp_user u LEFT JOIN phone p ON p.phone_hash = u.phone_hash LEFT JOIN staging.stg_own_town t ON t.spelling = no_filler(code_norm(u.town))
WHERE u._deleted_at IS NULL
