-- A row is an alarm of a vehicle in service that must be handled and is not, the newest first. late_s: seconds beyond
-- the time allowed, negative within it, NULL where none is set. No full plate, no company.
-- $now: the moment of the generation, naive Shanghai; $since: the first day that still counts.
select
    a.raised_at,
    a.plate_mask,
    a.kind,
    coalesce(t.name, '') as town,
    a.town_code,
    epoch($now::timestamp - a.raised_at) - a.limit_s as late_s
from marts.alarm_event a
left join marts.dim_town t on t.code = a.town_code
where a.is_v and a.must_handle and not a.is_handled and a.day >= $since::date
order by a.raised_at desc, a.alarm_uid
