-- Which vehicle carried a terminal from when to when, both inclusive: the day it is moved belongs to the new vehicle.
SELECT terminal_id, vehicle_key(plate_norm(plate_no), plate_color_norm(plate_color)) AS vehicle_key, CAST(installed_at AS DATE) AS from_day,
    coalesce(CAST(removed_at AS DATE) - 1, DATE '9999-12-31') AS to_day
FROM raw.gps_terminal WHERE _deleted_at IS NULL
