-- A row is a node of one of the ten items, in the order of items and nodes. done_day: NULL without evidence (KPI 51).
-- $year: the year of the plan.
select item_no, item, ms_no, weight, due, done_day from marts.warm_milestone where year = $year order by item_no, ms_no
