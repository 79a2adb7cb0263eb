-- Positions judged one by one. The reason says the first rule a message breaks; NULL = qualified (domain rules: time,
-- lon 73°33′–135°05′, lat 3°51′–53°33′, speed 0–160 km/h, altitude −200–6500 m, fix bit set). Units, colour
-- families and the datum differ by platform and are repaired by its row in raw.own_platform, never globally (D03, D08).
-- What is said of a vehicle (its key, its colour) is worked out once a wording of it, not once a message.
-- vehicle_no counts the vehicles of one query, for it to sort and group by instead of the key. The lake holds an
-- instant
-- of a wording once, so only of a vehicle that is_worded_twice one may be here twice. build.part says which of how many
-- parts of the vehicles are asked for: more of them than fit are worked out part by part.
with
    wording as (
        select
            s.plate_no,
            s.plate_color,
            s.platform_id,
            vehicle_key(plate_norm(s.plate_no), plate_color_of(s.plate_color, p.color_family)) as vehicle_key,
            s.plate_color <> plate_color_of(s.plate_color, p.color_family) as color_repaired,
            is_plate_color(plate_color_of(s.plate_color, p.color_family)) as is_color,
            coalesce(p.speed_scale, 1) as speed_scale,
            p.datum
        from (select distinct plate_no, plate_color, platform_id from lake.gps_location) s
        left join raw.own_platform p on p.platform_id = s.platform_id
    ),
    numbered as (
        select
            *,
            cast(dense_rank() over (order by vehicle_key) as integer) as vehicle_no,
            count(*) over (partition by vehicle_key) > 1 as is_worded_twice
        from wording
    ),
    speaker as (select n.* from numbered n cross join build.part p where hash(n.vehicle_key) % p.parts = p.part)
select
    s.vehicle_key,
    s.vehicle_no,
    s.is_worded_twice,
    loc_time,
    recv_time,
    day,
    case when s.datum is null then lon_e6 / 1e6 else wgs_place(s.datum, lon_e6 / 1e6, lat_e6 / 1e6).lon end as lon,
    case when s.datum is null then lat_e6 / 1e6 else wgs_place(s.datum, lon_e6 / 1e6, lat_e6 / 1e6).lat end as lat,
    speed_01kmh * s.speed_scale / 10.0 as speed_kmh,
    direction,
    mileage_01km / 10.0 as odometer_km,
    coalesce(is_makeup, false) as is_makeup,
    l.platform_id,
    l._seq,
    s.color_repaired,
    case
        when not s.is_color
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
        when speed_01kmh * s.speed_scale not between 0 and 1600
        then 'speed'
        when alt_m not between -200 and 6500
        then 'altitude'
        when direction not between 0 and 360
        then 'direction'
    end as reason
from lake.gps_location l
join
    speaker s
    on s.plate_no = l.plate_no
    and s.plate_color = l.plate_color
    and s.platform_id is not distinct from l.platform_id
