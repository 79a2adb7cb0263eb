-- A row is a landed table and a rule with its records in quarantine, most first; is_row: the whole row is out, else a
-- field of it.
select source, entity, rule, is_row, rows from meta.quarantine order by rows desc, source, entity, rule, is_row
