-- Planned visits to companies on their planned day; done needs a date, a visitor and a note, and of two done on one day at one
-- company one counts.
WITH visit AS (
    SELECT v.visit_id, v.due AS day, k.company_key, CASE WHEN v.visitor IS NOT NULL AND no_filler(v.note) IS NOT NULL THEN CAST(v.visit_at AS DATE) END AS done_day
    FROM raw.pb_visit v LEFT JOIN staging.stg_pb_company k ON k.written = code_norm(v.uscc) WHERE v._deleted_at IS NULL
)
SELECT v.visit_id, v.day, v.company_key, coalesce(c.town_code, '') AS town_code,
    CASE WHEN row_number() OVER (PARTITION BY v.company_key, v.done_day ORDER BY v.day, v.visit_id) = 1 OR v.company_key IS NULL THEN v.done_day END AS done_day
FROM visit v LEFT JOIN marts.company_span c ON c.company_key = v.company_key AND v.day BETWEEN c.from_day AND c.to_day
