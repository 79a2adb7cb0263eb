-- A row is the bureau's target of an indicator for a period. green, amber: in the unit of the indicator, amber NULL
-- without one; progress: linear for one that grows with time.
select kpi_id, period, green, amber, source, progress from meta.target
