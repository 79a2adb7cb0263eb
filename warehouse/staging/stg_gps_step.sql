-- The way from one qualified position of a vehicle to its next, for the touched days and the day before them. Three
-- witnesses are heard on each: the place, the vehicle's own counter (odometer) and the speed it reports; the last two
-- count on a day on which they agree with the places (trusts_*). Left out of the path: a fix repeated ≥20 times while
-- speed says driving (D06), and fixes that cannot be reached from most of the ten around them, or only by a detour that
-- no witness allows (D09). kind says what the step is:
-- drive   = moves at ≥ move_speed_kmh; jitter about one place is no movement, whatever single fixes say
-- stand   = positions are there and it does not move, or a silence at whose ends place and counter are the same
-- silent  = no data for trip_rest_s and longer, and nobody knows whether it stood
-- unseen  = no data, and then more than track_gap_km elsewhere
-- jump    = none of these: creeping, or a place that cannot be
-- Whether positions are missing is judged by the vehicle's own interval: 300 s, and where it reports regularly every
-- five minutes half as much again.
with
    parameter as (
        select
            max(value) filter (name = 'track_gap_s') as gap_s,
            max(value) filter (name = 'track_gap_km') as gap_km,
            max(value) filter (name = 'drift_speed_kmh') as drift_kmh,
            max(value) filter (name = 'move_speed_kmh') as move_kmh,
            max(value) filter (name = 'track_gap_most_s') as most_s,
            max(value) filter (name = 'trip_rest_s') as rest_s,
            coalesce(max(value) filter (name = 'trip_min_s'), 60) as trip_s,
            coalesce(max(value) filter (name = 'trip_min_km'), 0.5) as trip_km
        from raw.own_parameter
    ),
    good as materialized(
        select
            vehicle_key,
            vehicle_no,
            is_worded_twice,
            loc_time,
            recv_time,
            lon,
            lat,
            speed_kmh,
            nullif(odometer_km, 0) as odometer_km
        from staging.stg_gps_location
        where reason is null
    ),
    point as materialized(
        select vehicle_no, loc_time, cast(loc_time as date) as day, lon, lat, speed_kmh, odometer_km
        from good
        where not is_worded_twice
        union all
        select vehicle_no, loc_time, cast(loc_time as date) as day, lon, lat, speed_kmh, odometer_km
        from good
        where is_worded_twice
        qualify row_number() over (partition by vehicle_no, loc_time order by recv_time desc nulls last) = 1
    ),
    -- which witnesses can be believed on that day: medians of five minutes stand above jitter and single broken fixes
    five_minutes as (
        select
            vehicle_no,
            day,
            time_bucket(interval 5 minute, loc_time) as begins,
            median(epoch(loc_time)) as second,
            median(lon) as lon,
            median(lat) as lat,
            median(odometer_km) as odometer_km,
            avg(speed_kmh) as speed_kmh
        from point
        group by all
    ),
    vehicle as (select vehicle_no, any_value(vehicle_key) as vehicle_key from good group by all),
    progress as (
        select
            vehicle_no,
            day,
            distance_km(lag(lon) over v, lag(lat) over v, lon, lat) as km,
            second - lag(second) over v as s,
            odometer_km - lag(odometer_km) over v as counter_km,
            odometer_km,
            (speed_kmh + lag(speed_kmh) over v) / 2 as mean_kmh,
            speed_kmh
        from five_minutes
        window v as (partition by vehicle_no, day order by begins)
    ),
    trust as (
        -- a silence, a jump that cannot be and a place that is stuck (D06) tell nothing of counter and speed
        select
            vehicle_no,
            day,
            count(odometer_km) > 0
            and case
                when count(*) filter (km >= 1 and is_evident) > 0
                then coalesce(median(counter_km / km) filter (km >= 1 and is_evident) between 0.7 and 2, false)
                else coalesce(max(abs(counter_km)) filter (is_evident), 0) <= 2
            end as trusts_counter,
            count(speed_kmh) > 0
            and case
                when count(*) filter (km >= 1 and is_evident) > 0
                then
                    coalesce(
                        median(mean_kmh / (km / s * 3600)) filter (km >= 1 and is_evident) between 0.6 and 2, false
                    )
                else avg(speed_kmh) < (select move_kmh from parameter)
            end as trusts_speed,
            (select drift_kmh from parameter) as drift_kmh
        from
            (
                select
                    *,
                    s <= 900
                    and km / s * 3600 <= (select drift_kmh from parameter)
                    and not coalesce(km = 0 and mean_kmh > 5, false) as is_evident
                from progress
            )
        group by all
    ),
    witness as (
        select
            p.vehicle_no,
            p.loc_time,
            p.day,
            p.lon,
            p.lat,
            p.odometer_km as raw_odometer_km,
            p.speed_kmh,
            t.drift_kmh,
            case when t.trusts_counter then p.odometer_km end as odometer_km,
            case when t.trusts_speed then p.speed_kmh end as trusted_kmh
        from point p
        join trust t using (vehicle_no, day)
    ),
    -- each with the one before and the one after it on its day
    flanked as materialized(
        select
            *,
            row_number() over v as n,
            lag(loc_time) over v as t0,
            lag(lon) over v as lon0,
            lag(lat) over v as lat0,
            lag(odometer_km) over v as odometer0_km,
            lag(raw_odometer_km) over v as raw_odometer0_km,
            lag(trusted_kmh) over v as kmh0,
            lead(loc_time) over v as t2,
            lead(lon) over v as lon2,
            lead(lat) over v as lat2,
            lead(odometer_km) over v as odometer2_km,
            lead(trusted_kmh) over v as kmh2
        from witness
        window v as (partition by vehicle_no, day order by loc_time)
    ),
    frozen as (
        select vehicle_no, lon, lat
        from flanked
        where ((lon = lon0 and lat = lat0) or (lon = lon2 and lat = lat2)) and speed_kmh > 5
        group by all
        having count(*) >= 20
    ),
    -- those from five before to four behind one that cannot be reached from the one before it
    near_leap as (
        select distinct vehicle_no, day, n + unnest([-5, -4, -3, -2, -1, 0, 1, 2, 3, 4]) as n
        from flanked
        where
            distance_km(lon0, lat0, lon, lat)
            > reach_km(epoch(loc_time - t0), drift_kmh, odometer_km - odometer0_km, greatest(trusted_kmh, kmh0))
    ),
    leap as (
        select
            *,
            reach_km(
                epoch(loc_time - t0), drift_kmh, odometer_km - odometer0_km, greatest(trusted_kmh, kmh0)
            ) as reach0_km,
            reach_km(
                epoch(t2 - loc_time), drift_kmh, odometer2_km - odometer_km, greatest(trusted_kmh, kmh2)
            ) as reach2_km,
            distance_km(lon0, lat0, lon, lat) as before_km,
            distance_km(lon, lat, lon2, lat2) as after_km,
            distance_km(lon0, lat0, lon2, lat2) as direct_km
        from flanked
        semi join near_leap using (vehicle_no, day, n)
    ),
    around as (
        select
            p.vehicle_no,
            p.day,
            p.n,
            count(*) as neighbours,
            count(*) filter (
                distance_km(p.lon, p.lat, q.lon, q.lat) > reach_km(
                    abs(epoch(q.loc_time - p.loc_time)),
                    p.drift_kmh,
                    q.odometer_km - p.odometer_km,
                    greatest(p.trusted_kmh, q.trusted_kmh)
                )
            ) as out_of_reach
        from (select *, n + unnest([-5, -4, -3, -2, -1, 1, 2, 3, 4, 5]) as m from leap) p
        join flanked q on q.vehicle_no = p.vehicle_no and q.day = p.day and q.n = p.m
        group by all
    ),
    judged as (
        select
            l.*,
            a.neighbours - a.out_of_reach as companions,
            coalesce(
                -- most of the ten around cannot be reached from it
                a.out_of_reach > a.neighbours / 2
                -- a detour that no witness allows, and without it a way that all of them do
                or (
                    t2 - t0 < interval 1 hour
                    and before_km + after_km > reach0_km + reach2_km
                    and direct_km <= reach0_km + reach2_km
                    and direct_km < 0.7 * (before_km + after_km)
                    and a.out_of_reach > 1
                ),
                false
            ) as is_drift
        from leap l
        left join around a using (vehicle_no, day, n)
    ),
    -- A leap of more than 50 km between places that both have company may be a second vehicle under the plate. One
    -- coordinate alone that leaps is a broken fix, and so is a leap over which the vehicle's counter simply goes on.
    verdict as (
        select
            j.vehicle_no,
            j.day,
            j.n,
            j.is_drift,
            coalesce(
                j.before_km > 50
                and j.before_km > epoch(j.loc_time - j.t0) / 3600 * j.drift_kmh
                and j.companions >= 2
                and b.companions >= 2
                and abs(j.lon - j.lon0) > 0.001
                and abs(j.lat - j.lat0) > 0.001
                and not coalesce(
                    j.raw_odometer_km - j.raw_odometer0_km
                    between 0 and 1 + epoch(j.loc_time - j.t0) / 3600 * j.drift_kmh,
                    false
                ),
                false
            ) as is_far
        from judged j
        left join judged b on b.vehicle_no = j.vehicle_no and b.day = j.day and b.n = j.n - 1
    ),
    marked as materialized(
        select
            w.vehicle_no,
            w.loc_time,
            w.day,
            w.lon,
            w.lat,
            w.odometer_km,
            w.raw_odometer_km,
            w.trusted_kmh,
            coalesce(v.is_drift, false) as is_drift,
            coalesce(f.vehicle_no is not null and w.speed_kmh > 5, false) as is_frozen,
            coalesce(v.is_far, false) as is_far
        from flanked w
        left join verdict v using (vehicle_no, day, n)
        left join frozen f on f.vehicle_no = w.vehicle_no and f.lon = w.lon and f.lat = w.lat
    ),
    kept as materialized(
        select
            vehicle_no,
            loc_time,
            day,
            lon,
            lat,
            odometer_km,
            trusted_kmh,
            is_far,
            lag(loc_time) over v as from_at,
            lag(lon) over v as from_lon,
            lag(lat) over v as from_lat,
            odometer_km - lag(odometer_km) over v as counter_km,
            raw_odometer_km - lag(raw_odometer_km) over v as raw_counter_km,
            (trusted_kmh + lag(trusted_kmh) over v) / 2 as mean_kmh,
            greatest(trusted_kmh, lag(trusted_kmh) over v) as top_kmh,
            row_number() over v as n
        from marked
        where not (is_drift or is_frozen)
        window v as (partition by vehicle_no order by loc_time)
    ),
    -- how far the places spread where they come more seldom than once a minute: two before to two behind
    sparse as (
        select p.vehicle_no, p.loc_time, spread_km(stddev_pop(q.lon), stddev_pop(q.lat), p.lat) as spread_km
        from
            (
                select vehicle_no, day, loc_time, lat, n + unnest([-2, -1, 0, 1, 2]) as m
                from kept
                where loc_time - from_at > interval 60 second
            ) p
        join kept q on q.vehicle_no = p.vehicle_no and q.day = p.day and q.n = p.m
        group by p.vehicle_no, p.loc_time, p.lat
    ),
    -- The five minutes around, twice: from every fifth minute on, and half of that later, so that each moment lies well
    -- within one of them. How far the places spread, and what speed and counter say.
    around_five as (
        select
            vehicle_no,
            day,
            shift,
            time_bucket(interval 5 minute, loc_time + shift) as bucket,
            spread_km(stddev_pop(lon), stddev_pop(lat), avg(lat)) as spread_km,
            avg(trusted_kmh) as near_kmh,
            max(odometer_km) - min(odometer_km) as near_counter_km
        from kept
        cross join (select unnest([interval 0 second, interval 150 second]) as shift)
        group by all
    ),
    measured as materialized(
        select
            k.vehicle_no,
            k.loc_time,
            k.day,
            k.lon,
            k.lat,
            k.is_far,
            k.from_at,
            k.from_lon,
            k.from_lat,
            k.raw_counter_km,
            k.mean_kmh,
            k.top_kmh,
            c.spread_km as sparse_spread_km,
            greatest(a.spread_km, b.spread_km) as spread_km,
            greatest(a.near_kmh, b.near_kmh) as near_kmh,
            greatest(a.near_counter_km, b.near_counter_km) as near_counter_km,
            epoch(k.loc_time - from_at) as s,
            distance_km(from_lon, from_lat, k.lon, k.lat) as straight_km,
            case
                when counter_km between 0 and 1 + epoch(k.loc_time - from_at) / 3600 * (select drift_kmh from parameter)
                then counter_km
            end as driven_km
        from kept k
        left join
            around_five a
            on a.vehicle_no = k.vehicle_no
            and a.day = k.day
            and a.shift = interval 0 second
            and a.bucket = time_bucket(interval 5 minute, k.loc_time)
        left join
            around_five b
            on b.vehicle_no = k.vehicle_no
            and b.day = k.day
            and b.shift = interval 150 second
            and b.bucket = time_bucket(interval 5 minute, k.loc_time + interval 150 second)
        left join sparse c on c.vehicle_no = k.vehicle_no and c.loc_time = k.loc_time
        where from_at is not null
    ),
    -- the interval in which the vehicle reports while it moves
    own_interval as (
        select vehicle_no, day, median(s) as s
        from measured
        where
            straight_km
            between s / 3600 * (select move_kmh from parameter) and s / 3600 * (select drift_kmh from parameter)
        group by all
    ),
    bridged as (
        select
            m.*,
            p.*,
            least(1.5 * p.gap_s, greatest(p.gap_s, 1.5 * i.s)) as own_gap_s,
            m.s > own_gap_s and greatest(straight_km, coalesce(driven_km, 0)) > gap_km as is_elsewhere,
            case
                -- over a loss of track the counter says what was driven, when it is possible at all
                when m.s > own_gap_s and driven_km between straight_km - 2 and m.s / 3600 * drift_kmh
                then greatest(straight_km, driven_km)
                -- a place that no witness allows: what they say instead
                when straight_km > reach_km(m.s, drift_kmh, driven_km, top_kmh)
                then coalesce(driven_km, case when m.s <= 120 then mean_kmh * m.s / 3600 end, straight_km)
                else straight_km
            end as way_km
        from measured m
        left join own_interval i using (vehicle_no, day)
        cross join parameter p
    ),
    timed as (
        select
            *,
            way_km / greatest(s, 1) * 3600 as kmh,
            case
                -- the speed and the counter of five minutes say it stands
                when s <= 60 and near_kmh < 1 and coalesce(near_counter_km, 0) <= 0.1
                then false
                when s > 60 and top_kmh < 1 and driven_km <= 0.1
                then false
                -- places that spread no more than those of a vehicle going at move_kmh for five minutes are jitter
                when case when s > 60 then sparse_spread_km else spread_km end > move_kmh / 12 / sqrt(12)
                then true
                when s <= 60
                then
                    coalesce(near_kmh >= move_kmh, false)
                    or coalesce(near_counter_km between move_kmh / 12 and drift_kmh / 12, false)
                else coalesce(mean_kmh >= move_kmh, false) or coalesce(driven_km >= move_kmh * s / 3600, false)
            end as is_moving
        from bridged
    ),
    told as materialized(
        select
            *,
            is_elsewhere and s <= most_s and kmh <= drift_kmh as is_gap,
            -- a loss longer than a rest may hide one: its kilometres count, its time is not called driving
            kmh >= move_kmh and kmh <= drift_kmh and s < rest_s and (is_moving or is_elsewhere) as is_driving
        from timed
    ),
    driving as (
        select
            vehicle_no,
            loc_time,
            from_at,
            s,
            way_km,
            lag(loc_time) over (partition by vehicle_no order by loc_time) as drove_at
        from told
        where is_driving
    ),
    spelled as materialized(
        select
            vehicle_no,
            loc_time,
            s,
            way_km,
            count(*) filter (coalesce(epoch(from_at - drove_at) >= (select rest_s from parameter), true)) over (
                partition by vehicle_no order by loc_time rows unbounded preceding
            ) as spell_no
        from driving
    ),
    -- one step is no trip: it takes time and goes somewhere
    spell as (
        select
            vehicle_no,
            spell_no,
            sum(s) >= (select trip_s from parameter) and sum(way_km) >= (select trip_km from parameter) as is_trip
        from spelled
        group by all
    )
select
    v.vehicle_key,
    t.vehicle_no,
    t.day,
    t.from_at,
    t.loc_time as to_at,
    t.s,
    t.from_lon as lon0,
    t.from_lat as lat0,
    t.lon,
    t.lat,
    false as is_drift,
    false as is_frozen,
    t.is_far,
    case
        when t.is_driving
        then 'drive'
        when t.is_elsewhere and t.kmh <= t.drift_kmh
        then 'unseen'
        when t.s >= t.rest_s and not coalesce(t.straight_km <= 0.3 and t.driven_km <= 0.1, false)
        then 'silent'
        when t.straight_km <= 0.3 or not t.is_moving
        then 'stand'
        else 'jump'
    end as kind,
    coalesce(t.is_gap, false) as is_gap,
    coalesce(t.raw_counter_km < -1, false) as is_reset,
    -- faster than any truck is a false jump, not distance; a silence of many hours is no track at all
    coalesce(case when t.kmh <= t.drift_kmh and t.s <= t.most_s then t.way_km else 0 end, 0) as km,
    greatest(t.straight_km, coalesce(t.driven_km, 0)) as moved_km,
    t.driven_km,
    coalesce(t.is_driving, false) as is_driving,
    d.spell_no,
    coalesce(e.is_trip, false) as is_trip
from told t
join vehicle v on v.vehicle_no = t.vehicle_no
left join spelled d on d.vehicle_no = t.vehicle_no and d.loc_time = t.loc_time
left join spell e on e.vehicle_no = d.vehicle_no and e.spell_no = d.spell_no
union all by name
-- where no way leads to: left out of the path, or the first of it
select
    v.vehicle_key,
    m.vehicle_no,
    m.day,
    m.loc_time as to_at,
    m.lon,
    m.lat,
    m.is_drift,
    m.is_frozen,
    m.is_far,
    false as is_gap,
    false as is_reset,
    0 as km,
    false as is_driving,
    false as is_trip
from marked m
join vehicle v on v.vehicle_no = m.vehicle_no
where m.is_drift or m.is_frozen
union all by name
select
    v.vehicle_key,
    k.vehicle_no,
    k.day,
    k.loc_time as to_at,
    k.lon,
    k.lat,
    false as is_drift,
    false as is_frozen,
    k.is_far,
    false as is_gap,
    false as is_reset,
    0 as km,
    false as is_driving,
    false as is_trip
from kept k
join vehicle v on v.vehicle_no = k.vehicle_no
where k.from_at is null
