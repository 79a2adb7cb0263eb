-- One row a vehicle and day with any position: computed from our own positions where we hold them, else the
-- platform's figure.
select
    vehicle_key,
    day,
    pts,
    pts_ok,
    drift_pts,
    km_total,
    km_complete,
    valid_km,
    first_valid_at,
    last_at,
    drive_s,
    night_drive_s,
    fatigue_s,
    km_night05,
    depart_at,
    depart_after,
    trip_cnt,
    'computed' as origin
from marts.gps_vehicle_day
where day in (select day from build.day)
union all
select
    s.vehicle_key,
    s.day,
    s.pts,
    s.pts_ok,
    s.drift_pts,
    s.km_total,
    s.km_complete,
    s.valid_km,
    s.first_valid_at,
    s.last_at,
    s.drive_s,
    s.night_drive_s,
    s.fatigue_s,
    s.km_night05,
    s.depart_at,
    s.depart_after,
    s.trip_cnt,
    'platform' as origin
from staging.stg_gps_vehicle_day s
anti join marts.gps_vehicle_day g on g.vehicle_key = s.vehicle_key and g.day = s.day
where s.day in (select day from build.day)
