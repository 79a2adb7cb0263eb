-- Daily statistics handed over by the platform for days whose positions we do not hold.
-- A file that repeats the day before byte for byte says nothing of its day and is left out (D21).
with
    judged as (
        select *, vehicle_key(plate_norm(plate_no), plate_color_norm(plate_color)) as vehicle_key
        from raw.gps_vehicle_day
    )
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
    first_move_at,
    last_move_at,
    last_at,
    drive_s,
    night_drive_s,
    fatigue_s,
    km_night05,
    depart_at,
    depart_after,
    trip_cnt,
    valid_km > (select max(value) from raw.own_parameter where name = 'day_km_cap') as too_far
from judged
qualify row_number() over (partition by vehicle_key, day order by _version desc, _seq desc, _row desc) = 1
