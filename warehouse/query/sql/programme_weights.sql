-- A row is an indicator of one of the six programmes with its weight, in the bureau's order.
select programme, kpi_id, weight from meta.programme
