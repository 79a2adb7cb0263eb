-- Hardship cases while they are open, once for the town and once for each company of the person meanwhile; pairing beside. Restricted.
WITH opened AS (
    SELECT h.case_id, h.person_key, coalesce(t.code, '330110000') AS town_code, coalesce(h.qualified, false) AS is_qualified, h.opened_at AS from_day,
        coalesce(h.closed_at - 1, CAST(h._deleted_at AS DATE) - 1, DATE '9999-12-31') AS to_day, h.enrolled_at AS enrolled_day
    FROM raw.wf_hardship h LEFT JOIN staging.stg_own_town t ON t.spelling = no_filler(code_norm(h.town))
), paired AS (
    SELECT case_id, min(from_date) AS pair_from, max(coalesce(to_date, DATE '9999-12-31')) AS pair_to FROM raw.wf_pairing WHERE _deleted_at IS NULL GROUP BY 1
), placed AS (
    SELECT *, NULL::VARCHAR AS company_key FROM opened
    UNION ALL BY NAME
    SELECT o.* REPLACE (greatest(o.from_day, p.from_day) AS from_day, least(o.to_day, p.to_day) AS to_day), p.company_key FROM opened o JOIN marts.driver_span p USING (person_key)
    WHERE greatest(o.from_day, p.from_day) <= least(o.to_day, p.to_day)
)
SELECT o.case_id, o.company_key, o.town_code, o.is_qualified, o.enrolled_day, p.pair_from, p.pair_to, date_diff('day', first.from_day, p.pair_from) AS pair_days, o.from_day, o.to_day
FROM placed o JOIN opened first USING (case_id) LEFT JOIN paired p USING (case_id) WHERE o.from_day <= o.to_day
