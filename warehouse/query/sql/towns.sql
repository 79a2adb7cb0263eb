-- A row is a town, in the order of its code; what belongs to none comes last.
select code, name from marts.dim_town order by kind = '未分', code
