-- A row is a landed row that was put aside, newest delivery first; payload: JSON of what may be shown of it, no
-- personal value; restricted file.
-- $table: of that landed table only, '' for all.
select seq, row, name, rule, reason, payload, is_row, faults, first_seen, last_seen, times
from meta.quarantine_row
where $table in ('', name)
order by seq desc, row
