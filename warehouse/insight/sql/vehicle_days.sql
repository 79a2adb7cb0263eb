-- A row is a day of a vehicle, newest first: positions (all, valid, drifting), valid kilometres and those of them for
-- which positions are missing (NULL = no figure of that day), seconds driven and driven too long, and what was counted.
-- $vehicle: its key; $most: days at most.
select
    day,
    company_key,
    is_online,
    is_networked,
    is_stopped,
    pts,
    pts_ok,
    drift_pts,
    valid_km,
    km_total - km_complete as unseen_km,
    drive_s,
    fatigue_s,
    overspeed_cnt,
    pretrip_due,
    pretrip_done,
    active_cnt
from marts.vehicle_day
where vehicle_key = $vehicle
order by day desc
limit $most
