-- Drivers' appeals on the day by which they are due. One ticket through two channels is one: by its number, or by phone,
-- category and less than 24 hours between them; the earliest due day and the latest closing count.
WITH ticket AS (
    SELECT ticket_no, min(category) AS category, min(phone_hash) AS phone_hash, min(code_norm(uscc)) AS company_key, min(received_at) AS received_at, min(due) AS due,
        CASE WHEN count(*) = count(closed_at) THEN max(closed_at) END AS closed_at, max(satisfied) AS satisfied, min(channel) AS channel
    FROM raw.pj_appeal WHERE _deleted_at IS NULL GROUP BY 1
), marked AS (
    SELECT *, phone_hash IS NOT NULL AND received_at - min(received_at) OVER (PARTITION BY phone_hash, category ORDER BY received_at RANGE BETWEEN INTERVAL 24 HOURS PRECEDING AND CURRENT ROW) > INTERVAL 0 SECOND AS is_again
    FROM ticket
), numbered AS (
    SELECT *, CASE WHEN phone_hash IS NULL THEN ticket_no ELSE phone_hash || '|' || coalesce(category, '') || '|' ||
        sum(CASE WHEN is_again THEN 0 ELSE 1 END) OVER (PARTITION BY phone_hash, category ORDER BY received_at, ticket_no) END AS merged FROM marked
)
SELECT min(n.ticket_no) AS ticket_no, min(n.due) AS day, min(n.category) AS category, min(n.channel) AS channel, min(n.company_key) AS company_key, coalesce(min(c.town_code), '') AS town_code,
    coalesce(CASE WHEN count(*) = count(n.closed_at) THEN CAST(max(n.closed_at) AS DATE) END <= min(n.due), false) AS is_ontime, max(n.satisfied) AS satisfied
FROM numbered n LEFT JOIN marts.company_span c ON c.company_key = n.company_key AND CAST(n.received_at AS DATE) BETWEEN c.from_day AND c.to_day GROUP BY n.merged
