-- A row is an indicator of which at least one number was published in more than one version.
select distinct kpi_id
from (select kpi_id from meta.kpi_revision group by kpi_id, win, win_start, grain, grain_key having count(*) > 1)
