-- A row is an alarm of a company's vehicles that must be handled, open ones first, then the newest.
-- $company: its key; $since: the first day that counts; $most: rows at most.
select *
from marts.alarm_event
where company_key = $company and day >= $since and must_handle
order by is_handled, raised_at desc, alarm_uid
limit $most
