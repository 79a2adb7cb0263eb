-- Milestones of the ten items, in force through their year; done only with evidence. Items whose name the bureau has not given
-- keep an empty one, shown as 待局确认.
SELECT m.year, m.item_no, m.ms_no, make_date(m.year, 1, 1) AS from_day, make_date(m.year, 12, 31) AS to_day,
    m.item_no || ' ' || coalesce(nullif(i.title, ''), w.name, '(待局确认)') AS item, i.owner_unit, m.weight, m.due, CASE WHEN nullif(trim(m.evidence), '') IS NOT NULL THEN m.done_at END AS done_day
FROM raw.pj_milestone m LEFT JOIN raw.pj_item i ON i.year = m.year AND i.item_no = m.item_no LEFT JOIN raw.own_warm_item w ON w.item_no = m.item_no
WHERE m._deleted_at IS NULL
