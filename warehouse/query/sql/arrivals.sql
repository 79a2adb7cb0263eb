-- A row is a landed table that speaks every day, with the newest day of its events and its promise in seconds.
-- $per_day: rows a day from which on it does.
select source || '_' || entity as name, ends, stale_after_s
from meta.source
where ends is not null and rows >= $per_day * greatest(1, ends - begins + 1)
