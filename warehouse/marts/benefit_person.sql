-- Who came to what the programme of care offers, on its day, once a company of the driver; family members have no
-- place. Restricted.
select
    p.event_id || '/' || p.entry_no as entry_id,
    e.held_at as day,
    e.type,
    p.person_key,
    coalesce(p.person_key, p.event_id || '/' || p.entry_no) as who,
    s.company_key,
    s.town_code,
    coalesce(p.is_family, false) as is_family,
    coalesce(p.selected, false) as is_selected,
    coalesce(p.attended, false) as has_attended
from raw.wf_benefit_person p
join raw.wf_benefit_event e using (event_id)
left join
    marts.driver_span s
    on s.person_key = p.person_key
    and e.held_at between s.from_day and s.to_day
    and not coalesce(p.is_family, false)
where p._deleted_at is null and e._deleted_at is null
