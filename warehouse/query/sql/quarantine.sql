-- A row is a landed table and a rule with its rows in quarantine, most first.
select source, entity, rule, rows from meta.quarantine order by rows desc
