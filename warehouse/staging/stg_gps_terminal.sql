-- Which vehicle carried a terminal from when to when, both inclusive: the day it is moved belongs to the new vehicle.
select
    terminal_id,
    vehicle_key(plate_norm(plate_no), plate_color_norm(plate_color)) as vehicle_key,
    cast(installed_at as date) as from_day,
    coalesce(cast(removed_at as date) - 1, date '9999-12-31') as to_day
from raw.gps_terminal
where _deleted_at is null
