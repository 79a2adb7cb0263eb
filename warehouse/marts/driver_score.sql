-- Our own monthly safety score of a driver: 100 − Σ weight × alarms per 1000 km, weights by module and level from
-- own_score_weight, nobody under score_min_km. The vendor's score stands beside and is never mixed in.
WITH alarm AS (
    SELECT person_key, strftime(day, '%Y-%m') AS month, CAST(sum(CAST(coalesce(w.weight, 0) AS DECIMAL(9, 4))) AS DOUBLE) AS points
    FROM staging.stg_as_alarm a LEFT JOIN raw.own_score_weight w USING (module, level) WHERE a.is_alarm AND a.person_key IS NOT NULL GROUP BY 1, 2
)
SELECT s.person_key, CAST(s.month || '-01' AS DATE) AS month, s.km, s.score AS vendor_score, greatest(0, 100 - coalesce(a.points, 0) / s.km * 1000) AS score
FROM raw.rdm_score_month s LEFT JOIN alarm a ON a.person_key = s.person_key AND a.month = s.month
WHERE s._deleted_at IS NULL AND s.km >= (SELECT max(value) FROM raw.own_parameter WHERE name = 'score_min_km')
