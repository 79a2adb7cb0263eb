-- Who came to what the programme of care offers, on its day, once a company of the driver; family members have no place. Restricted.
SELECT p.event_id || '/' || p.entry_no AS entry_id, e.held_at AS day, e.type, p.person_key, coalesce(p.person_key, p.event_id || '/' || p.entry_no) AS who, s.company_key, s.town_code,
    coalesce(p.is_family, false) AS is_family, coalesce(p.selected, false) AS is_selected, coalesce(p.attended, false) AS has_attended
FROM raw.wf_benefit_person p JOIN raw.wf_benefit_event e USING (event_id)
LEFT JOIN marts.driver_span s ON s.person_key = p.person_key AND e.held_at BETWEEN s.from_day AND s.to_day AND NOT coalesce(p.is_family, false)
WHERE p._deleted_at IS NULL AND e._deleted_at IS NULL
