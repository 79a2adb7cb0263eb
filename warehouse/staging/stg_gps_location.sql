-- Positions judged one by one. The reason says the first rule a message breaks; NULL = qualified (domain rules: time,
-- lon 73°33′–135°05′, lat 3°51′–53°33′, speed 0–160 km/h, altitude −200–6500 m, fix bit set). Units, colour
-- families and the datum differ by platform and are repaired by its row in raw.own_platform, never globally (D03, D08).
select
    vehicle_key(plate_norm(plate_no), plate_color_of(plate_color, p.color_family)) as vehicle_key,
    loc_time,
    recv_time,
    day,
    case when p.datum is null then lon_e6 / 1e6 else wgs_place(p.datum, lon_e6 / 1e6, lat_e6 / 1e6).lon end as lon,
    case when p.datum is null then lat_e6 / 1e6 else wgs_place(p.datum, lon_e6 / 1e6, lat_e6 / 1e6).lat end as lat,
    speed_01kmh * coalesce(p.speed_scale, 1) / 10.0 as speed_kmh,
    direction,
    mileage_01km / 10.0 as odometer_km,
    coalesce(is_makeup, false) as is_makeup,
    l.platform_id,
    l._seq,
    plate_color <> plate_color_of(plate_color, p.color_family) as color_repaired,
    case
        when not is_plate_color(plate_color_of(plate_color, p.color_family))
        then 'color'
        when
            loc_time > coalesce(recv_time, loc_time) + clock_slack()
            or loc_time < timestamp '2005-01-01'
            -- a make-up comes up to seven days late; one that says 2007 is a clock that rolled over (D05), made up or
            -- not
            or recv_time - loc_time > case when coalesce(is_makeup, false) then interval 7 day else interval 7 hour end
        then 'time'
        when coalesce(encrypted, false)
        then 'encrypted'
        when coalesce(status_bits & 2, 2) = 0
        then 'unfixed'
        when
            lon_e6 is null
            or lat_e6 is null
            or lon_e6 not between 73550000
            and 135083333
            or lat_e6 not between 3850000
            and 53550000
        then 'range'
        when speed_01kmh * coalesce(p.speed_scale, 1) not between 0 and 1600
        then 'speed'
        when alt_m not between -200 and 6500
        then 'altitude'
        when direction not between 0 and 360
        then 'direction'
    end as reason
from lake.gps_location l
left join raw.own_platform p on p.platform_id = l.platform_id
