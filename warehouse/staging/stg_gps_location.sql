-- Positions judged one by one. The reason says the first rule a message breaks; NULL = qualified
-- (domain rules: time, lon 73°33′–135°05′, lat 3°51′–53°33′, speed 0–160 km/h, altitude −200–6500 m, fix bit set).
-- Units and colour families differ by platform and are repaired by its row in raw.own_platform, never globally (D03, D08).
SELECT vehicle_key(plate_norm(plate_no), plate_color_of(plate_color, p.color_family)) AS vehicle_key, loc_time, recv_time, day,
    lon_e6 / 1e6 AS lon, lat_e6 / 1e6 AS lat, speed_01kmh * coalesce(p.speed_scale, 1) / 10.0 AS speed_kmh, direction, mileage_01km / 10.0 AS odometer_km,
    coalesce(is_makeup, false) AS is_makeup, l.platform_id, l._seq, plate_color <> plate_color_of(plate_color, p.color_family) AS color_repaired,
    CASE
        WHEN NOT is_plate_color(plate_color_of(plate_color, p.color_family)) THEN 'color'
        WHEN loc_time > coalesce(recv_time, loc_time) + INTERVAL 60 SECOND OR loc_time < TIMESTAMP '2005-01-01'
            -- a make-up comes up to seven days late; one that says 2007 is a clock that rolled over (D05), made up or not
            OR recv_time - loc_time > CASE WHEN coalesce(is_makeup, false) THEN INTERVAL 7 DAY ELSE INTERVAL 7 HOUR END THEN 'time'
        WHEN coalesce(encrypted, false) THEN 'encrypted'
        WHEN coalesce(status_bits & 2, 2) = 0 THEN 'unfixed'
        WHEN lon_e6 IS NULL OR lat_e6 IS NULL OR lon_e6 NOT BETWEEN 73550000 AND 135083333 OR lat_e6 NOT BETWEEN 3850000 AND 53550000 THEN 'range'
        WHEN speed_01kmh * coalesce(p.speed_scale, 1) NOT BETWEEN 0 AND 1600 THEN 'speed'
        WHEN alt_m NOT BETWEEN -200 AND 6500 THEN 'altitude'
        WHEN direction NOT BETWEEN 0 AND 360 THEN 'direction'
    END AS reason
FROM lake.gps_location l LEFT JOIN raw.own_platform p ON p.platform_id = l.platform_id
