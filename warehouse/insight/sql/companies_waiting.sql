-- A row is a company with overdue alarms, most first: overdue, handled and due over the last seven whole days and
-- today. Individual operators, who are persons, stand together in one row.
-- $today: the generation's day; $most: rows at most.
select
    case when c.owner_type = '个体' then '个体业户' else c.name end as company,
    count(*) filter (is_due and not is_handled) as overdue,
    count(*) filter (is_due and is_handled) as handled,
    count(*) filter (is_due) as due
from marts.alarm_event a
join marts.dim_company c using (company_key)
where a.is_v and a.must_handle and a.day >= $today::date - 7
group by 1
having overdue > 0
order by overdue desc, due desc, 1
limit $most
