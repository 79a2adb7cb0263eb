-- A row is a member unit by which it is found.
select unit_id, any_value(unit) as unit from marts.unit_task group by 1 order by 1
