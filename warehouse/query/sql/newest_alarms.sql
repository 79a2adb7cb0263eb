-- A row is an alarm of a vehicle in service, newest first; raised_at naive Shanghai, the plate masked, town and company
-- '' when unknown. took_s: seconds to its handling, negative before it.
-- $most: rows at most.
select
    a.raised_at,
    a.plate_mask,
    a.kind,
    a.level,
    coalesce(t.name, '') as town,
    a.town_code,
    a.result,
    a.is_handled,
    a.must_handle,
    a.is_due,
    coalesce(c.name, '') as company,
    epoch(a.handled_at - a.raised_at) as took_s,
    a.limit_s
from marts.alarm_event a
left join marts.dim_town t on t.code = a.town_code
left join marts.dim_company c using (company_key)
where a.is_v
order by a.raised_at desc, a.alarm_uid
limit $most
