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
    point as (
        select
            vehicle_key,
            loc_time,
            cast(loc_time as date) as day,
            lon,
            lat,
            speed_kmh,
            nullif(odometer_km, 0) as odometer_km
        from staging.stg_gps_location
        where reason is null
        qualify row_number() over (partition by vehicle_key, loc_time order by recv_time desc nulls last) = 1
    ),
    -- which witnesses can be believed on that day: medians of five minutes stand above jitter and single broken fixes
    five_minutes as (
        select
            vehicle_key,
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
    progress as (
        select
            vehicle_key,
            day,
            distance_km(lag(lon) over v, lag(lat) over v, lon, lat) as km,
            second - lag(second) over v as s,
            odometer_km - lag(odometer_km) over v as counter_km,
            odometer_km,
            (speed_kmh + lag(speed_kmh) over v) / 2 as mean_kmh,
            speed_kmh
        from five_minutes
        window v as (partition by vehicle_key, day order by begins)
    ),
    trust as (
        -- a silence, a jump that cannot be and a place that is stuck (D06) tell nothing of counter and speed
        select
            vehicle_key,
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
            end as trusts_speed
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
            p.* exclude (odometer_km, speed_kmh),
            p.odometer_km as raw_odometer_km,
            p.speed_kmh,
            case when t.trusts_counter then p.odometer_km end as odometer_km,
            case when t.trusts_speed then p.speed_kmh end as trusted_kmh,
            row_number() over v as n,
            lag(p.loc_time) over v as t0,
            lag(p.lon) over v as lon0,
            lag(p.lat) over v as lat0,
            lead(p.loc_time) over v as t2,
            lead(p.lon) over v as lon2,
            lead(p.lat) over v as lat2
        from point p
        join trust t using (vehicle_key, day)
        window v as (partition by vehicle_key, day order by loc_time)
    ),
    frozen as (
        select vehicle_key, lon, lat
        from witness
        where ((lon = lon0 and lat = lat0) or (lon = lon2 and lat = lat2)) and speed_kmh > 5
        group by all
        having count(*) >= 20
    ),
    leap as (
        select
            w.* exclude (lon2, lat2),
            f.vehicle_key is not null and speed_kmh > 5 as is_frozen,
            reach_km(
                epoch(loc_time - t0),
                (select drift_kmh from parameter),
                odometer_km - lag(odometer_km) over v,
                greatest(trusted_kmh, lag(trusted_kmh) over v)
            ) as reach0_km,
            reach_km(
                epoch(t2 - loc_time),
                (select drift_kmh from parameter),
                lead(odometer_km) over v - odometer_km,
                greatest(trusted_kmh, lead(trusted_kmh) over v)
            ) as reach2_km,
            distance_km(lon0, lat0, w.lon, w.lat) as before_km,
            distance_km(w.lon, w.lat, lon2, lat2) as after_km,
            distance_km(lon0, lat0, lon2, lat2) as direct_km
        from witness w
        left join frozen f on f.vehicle_key = w.vehicle_key and f.lon = w.lon and f.lat = w.lat
        window v as (partition by w.vehicle_key, w.day order by w.loc_time)
    ),
    near_leap as (
        select
            *,
            bool_or(before_km > reach0_km) over (
                partition by vehicle_key, day order by n rows between 4 preceding and 5 following
            ) as is_near_leap
        from leap
    ),
    around as (
        select
            p.vehicle_key,
            p.loc_time,
            count(*) as neighbours,
            count(*) filter (
                distance_km(p.lon, p.lat, q.lon, q.lat) > reach_km(
                    abs(epoch(q.loc_time - p.loc_time)),
                    (select drift_kmh from parameter),
                    q.odometer_km - p.odometer_km,
                    greatest(p.trusted_kmh, q.trusted_kmh)
                )
            ) as out_of_reach
        from (select *, n + unnest([-5, -4, -3, -2, -1, 1, 2, 3, 4, 5]) as m from near_leap where is_near_leap) p
        join near_leap q on q.vehicle_key = p.vehicle_key and q.day = p.day and q.n = p.m
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
        from near_leap l
        left join around a on a.vehicle_key = l.vehicle_key and a.loc_time = l.loc_time
    ),
    -- A leap of more than 50 km between places that both have company may be a second vehicle under the plate. One
    -- coordinate alone that leaps is a broken fix, and so is a leap over which the vehicle's counter simply goes on.
    marked as (
        select
            *,
            coalesce(
                before_km > 50
                and before_km > epoch(loc_time - t0) / 3600 * (select drift_kmh from parameter)
                and companions >= 2
                and lag(companions) over v >= 2
                and abs(lon - lon0) > 0.001
                and abs(lat - lat0) > 0.001
                and not coalesce(
                    raw_odometer_km - lag(raw_odometer_km) over v
                    between 0 and 1 + epoch(loc_time - t0) / 3600 * (select drift_kmh from parameter),
                    false
                ),
                false
            ) as is_far
        from judged
        window v as (partition by vehicle_key, day order by loc_time)
    ),
    kept as (
        select
            *,
            lag(loc_time) over v as from_at,
            lag(lon) over v as from_lon,
            lag(lat) over v as from_lat,
            odometer_km - lag(odometer_km) over v as counter_km,
            raw_odometer_km - lag(raw_odometer_km) over v as raw_counter_km,
            (trusted_kmh + lag(trusted_kmh) over v) / 2 as mean_kmh,
            greatest(trusted_kmh, lag(trusted_kmh) over v) as top_kmh,
            spread_km(stddev_pop(lon) over five_points, stddev_pop(lat) over five_points, lat) as sparse_spread_km
        from marked
        where not (is_drift or is_frozen)
        window
            v as (partition by vehicle_key order by loc_time),
            five_points as (partition by vehicle_key, day order by loc_time rows between 2 preceding and 2 following)
    ),
    -- The five minutes around, twice: from every fifth minute on, and half of that later, so that each moment lies well
    -- within one of them. How far the places spread, and what speed and counter say.
    around_five as (
        select
            vehicle_key,
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
    measured as (
        select
            k.*,
            greatest(a.spread_km, b.spread_km) as spread_km,
            greatest(a.near_kmh, b.near_kmh) as near_kmh,
            greatest(a.near_counter_km, b.near_counter_km) as near_counter_km,
            epoch(loc_time - from_at) as s,
            distance_km(from_lon, from_lat, lon, lat) as straight_km,
            case
                when counter_km between 0 and 1 + epoch(loc_time - from_at) / 3600 * (select drift_kmh from parameter)
                then counter_km
            end as driven_km
        from kept k
        left join
            around_five a
            on a.vehicle_key = k.vehicle_key
            and a.day = k.day
            and a.shift = interval 0 second
            and a.bucket = time_bucket(interval 5 minute, loc_time)
        left join
            around_five b
            on b.vehicle_key = k.vehicle_key
            and b.day = k.day
            and b.shift = interval 150 second
            and b.bucket = time_bucket(interval 5 minute, loc_time + interval 150 second)
        where from_at is not null
    ),
    -- the interval in which the vehicle reports while it moves
    own_interval as (
        select vehicle_key, day, median(s) as s
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
        left join own_interval i using (vehicle_key, day)
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
    told as (
        select
            *,
            is_elsewhere and s <= most_s and kmh <= drift_kmh as is_gap,
            -- a loss longer than a rest may hide one: its kilometres count, its time is not called driving
            kmh >= move_kmh and kmh <= drift_kmh and s < rest_s and (is_moving or is_elsewhere) as is_driving
        from timed
    ),
    kinds as (
        select
            *,
            case
                when is_driving
                then 'drive'
                when is_elsewhere and kmh <= drift_kmh
                then 'unseen'
                when s >= rest_s and not coalesce(straight_km <= 0.3 and driven_km <= 0.1, false)
                then 'silent'
                when straight_km <= 0.3 or not is_moving
                then 'stand'
                else 'jump'
            end as kind,
            max(case when is_driving then loc_time end) over (
                partition by vehicle_key order by loc_time rows between unbounded preceding and 1 preceding
            ) as drove_at
        from told
    ),
    spells as (
        select
            *,
            case
                when is_driving
                then
                    sum(
                        case when is_driving and coalesce(epoch(from_at - drove_at) >= rest_s, true) then 1 else 0 end
                    ) over (partition by vehicle_key order by loc_time)
            end as spell_no
        from kinds
    ),
    path as (
        select
            vehicle_key,
            loc_time as to_at,
            from_at,
            s,
            from_lon as lon0,
            from_lat as lat0,
            is_gap,
            coalesce(raw_counter_km < -1, false) as is_reset,
            -- faster than any truck is a false jump, not distance; a silence of many hours is no track at all
            case when kmh <= drift_kmh and s <= most_s then way_km else 0 end as km,
            greatest(straight_km, coalesce(driven_km, 0)) as moved_km,
            driven_km,
            kind,
            spell_no,
            -- one step is no trip: it takes time and goes somewhere
            coalesce(
                sum(s) over spell >= trip_s and sum(way_km) over spell >= trip_km and spell_no is not null, false
            ) as is_trip
        from spells
        window spell as (partition by vehicle_key, spell_no)
    )
select
    m.vehicle_key,
    m.day,
    p.from_at,
    m.loc_time as to_at,
    p.s,
    p.lon0,
    p.lat0,
    m.lon,
    m.lat,
    m.is_drift,
    m.is_frozen,
    m.is_far,
    p.kind,
    coalesce(p.is_gap, false) as is_gap,
    coalesce(p.is_reset, false) as is_reset,
    coalesce(p.km, 0) as km,
    p.moved_km,
    p.driven_km,
    coalesce(p.kind = 'drive', false) as is_driving,
    p.spell_no,
    coalesce(p.is_trip, false) as is_trip
from marked m
left join path p on p.vehicle_key = m.vehicle_key and p.to_at = m.loc_time
