-- The kilometres of a vehicle in order. kind:
-- drive   = a trip: driving without a stop of trip_rest_s or more, for trip_min_s and trip_min_km at least. drive_s
-- counts driving only; rest_s is the stop it left, NULL when nothing is known of what was before; gap_km is the part
-- for which positions are missing
-- unseen  = moved while there was no data, outside any trip (gap_km = km, rest_s and path NULL)
-- Belongs to the day it ended.
with
    driving as (
        select
            *,
            row_number() over (partition by vehicle_no, spell_no, date_trunc('minute', to_at) order by to_at)
            = 1 as is_first
        from staging.stg_gps_step
        semi join build.part using (part)
        where is_trip
    ),
    trip as (
        select
            any_value(vehicle_key) as vehicle_key,
            min(from_at) as from_at,
            max(to_at) as to_at,
            sum(km) as km,
            sum(s) as drive_s,
            sum(km) filter (hour(to_at) < 5) as km_night05,
            sum(km) filter (is_gap) as gap_km,
            arg_min(lon0, to_at) as from_lon,
            arg_min(lat0, to_at) as from_lat,
            arg_max(lon, to_at) as to_lon,
            arg_max(lat, to_at) as to_lat,
            -- one point a minute is enough to see where it went; is_unseen: no data on the way to it. To sort the list
            -- costs an eighth of a list that is made in order
            list_sort(
                list(struct_pack(at := to_at, lon := round(lon, 5), lat := round(lat, 5), is_unseen := is_gap)) filter (
                    is_first or is_gap
                )
            ) as path
        from driving
        group by vehicle_no, spell_no
    )
select
    md5(t.vehicle_key || t.from_at) as trip_id,
    t.vehicle_key,
    cast(t.to_at as date) as day,
    'drive' as kind,
    t.from_at,
    t.to_at,
    round(t.km, 3) as km,
    round(coalesce(t.km_night05, 0), 3) as km_night05,
    round(coalesce(t.gap_km, 0), 3) as gap_km,
    cast(t.drive_s as integer) as drive_s,
    s.stop_s as rest_s,
    t.from_lon,
    t.from_lat,
    t.to_lon,
    t.to_lat,
    t.path
from trip t
left join marts.gps_stop s on s.vehicle_key = t.vehicle_key and s.to_at = t.from_at and s.kind = 'stand'
where cast(t.to_at as date) in (select day from build.day)
union all
select
    stop_id as trip_id,
    vehicle_key,
    day,
    'unseen' as kind,
    from_at,
    to_at,
    km,
    case when hour(to_at) < 5 then km else 0 end as km_night05,
    km as gap_km,
    0 as drive_s,
    null as rest_s,
    lon as from_lon,
    lat as from_lat,
    to_lon,
    to_lat,
    null as path
from marts.gps_stop
where kind = 'unseen' and day in (select day from build.day) and (select part = 0 from build.part)
