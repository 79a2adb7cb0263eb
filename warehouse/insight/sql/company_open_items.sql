-- A row is something at a company whose day has passed without its being done, newest first. alarm_uid: of an urge
-- only.
-- $company: its key; $since: the first day that still counts; $today: the generation's day.
select '督办' as kind, urge_id as id, day, case when is_urgent then '紧急督办' else '一般督办' end as what, alarm_uid
from marts.alarm_urge
where company_key = $company and is_due and not is_done and day >= $since
union all
select '走访', visit_id, day, '计划走访未完成', null
from marts.company_visit
where company_key = $company and done_day is null and day < $today and day >= $since
union all
select '隐患', check_id, day, item_code || ' 未按期整改', null
from marts.check_defect
where company_key = $company and not is_fixed and day < $today and day >= $since
union all
select '诉求', ticket_no, day, category || ' 未按期办结', null
from marts.appeal
where company_key = $company and not is_ontime and day < $today and day >= $since
order by day desc, id
limit 30
