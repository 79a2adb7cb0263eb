-- A row is a payload that is not in as a whole, newest first, with the reason; acknowledged_*: when (naive Shanghai),
-- by
-- whom and why somebody has said that nothing is left to be done, NULL = it is open.
select seq, name, payload, reason, landed_at, acknowledged_at, acknowledged_by, acknowledged_why
from meta.refused
order by seq desc
