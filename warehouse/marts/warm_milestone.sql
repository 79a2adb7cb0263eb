-- Milestones of the ten items, in force through their year; done only with evidence. Items whose name the bureau has
-- not given keep an empty one, shown as 待局确认.
select
    m.year,
    m.item_no,
    m.ms_no,
    make_date(m.year, 1, 1) as from_day,
    make_date(m.year, 12, 31) as to_day,
    m.item_no || ' ' || coalesce(nullif(i.title, ''), w.name, '(待局确认)') as item,
    i.owner_unit,
    m.weight,
    m.due,
    case when nullif(trim(m.evidence), '') is not null then m.done_at end as done_day
from raw.pj_milestone m
left join raw.pj_item i on i.year = m.year and i.item_no = m.item_no
left join raw.own_warm_item w on w.item_no = m.item_no
where m._deleted_at is null
