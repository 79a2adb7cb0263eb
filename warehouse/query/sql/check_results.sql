-- A row is a check of a model with the rows that failed it, most first.
select model, name, severity, message, failed_rows from meta.check_result order by failed_rows desc, model
