-- Post checks with their answer; an empty answer or one before the question counts as none. Platform-wide ones have no company.
SELECT p.check_id, CAST(p.sent_at AS DATE) AS day, code_norm(p.uscc) AS company_key, coalesce(c.town_code, '') AS town_code, p.object_type,
    p.sent_at + to_seconds(p.limit_s) <= k.as_of AS is_due, p.sent_at + to_seconds(p.limit_s) AS due_at,
    coalesce(p.answered_at >= p.sent_at AND p.answered_at <= p.sent_at + to_seconds(p.limit_s) AND nullif(trim(p.content), '') IS NOT NULL, false) AS is_answered,
    coalesce(p.answered_at < p.sent_at, false) AS is_clock_error
FROM raw.gps_post_check p CROSS JOIN build.clock k
LEFT JOIN marts.company_span c ON c.company_key = code_norm(p.uscc) AND CAST(p.sent_at AS DATE) BETWEEN c.from_day AND c.to_day
