-- A row is a known defect and a table in which it was found, with the rows or messages that have it.
select rule, label, rows from meta.defect where rows > 0 order by rule, label
