-- The 100-point table of the 2016 rule by company for each ISO week and month (reference only: the rule is written
-- for passenger and hazmat fleets). Relative items: clamp(10·(2A−x)/A, 0, 20); A = the district's mean of the same
-- class and window up to yesterday, kept beside the score; A = 0 gives 20 when x = 0, else 0. Items without data
-- leave the sum, which is scaled to 100. A company stands in the town of the window's last day that counts.
with
    framed as (
        select 'week' as win, cast(date_trunc('week', day) as date) as win_start, *
        from marts.vehicle_day
        where
            is_v
            and day < (select day from build.today)
            and cast(date_trunc('week', day) as date) in (select day from build.day)
        union all
        select 'month', cast(date_trunc('month', day) as date), *
        from marts.vehicle_day
        where
            is_v
            and day < (select day from build.today)
            and cast(date_trunc('month', day) as date) in (select day from build.day)
    ),
    -- each vehicle once first: to count different ones among all its days takes a table for every number of them
    vehicle as (
        select
            win,
            win_start,
            company_key,
            vehicle_key,
            max(vehicle_class) as vehicle_class,
            bool_or(is_vh) as is_vh,
            bool_or(is_networked) as is_networked,
            bool_or(is_networked and not is_stopped) as is_active,
            bool_or(is_networked and is_online and not is_stopped) as is_online_active,
            bool_or(is_online) as is_online,
            bool_or(is_drifting) as is_drifting,
            sum(km_total) filter (is_networked) as km_total,
            sum(km_complete) filter (is_networked) as km_complete,
            sum(pts) as pts,
            sum(pts_ok) as pts_ok,
            sum(overspeed_cnt) as overspeed,
            sum(fatigue_s) as fatigue
        from framed
        where company_key is not null
        group by 1, 2, 3, 4
    ),
    base as (
        select
            win,
            win_start,
            company_key,
            max(vehicle_class) as vehicle_class,
            count(*) filter (is_vh) as vh,
            count(*) filter (is_networked) as vn,
            count(*) filter (is_active) as vn_active,
            count(*) filter (is_online_active) as online_vn,
            count(*) filter (is_online) as online,
            count(*) filter (is_drifting) as drift,
            sum(km_total) as km_total,
            sum(km_complete) as km_complete,
            sum(pts) as pts,
            sum(pts_ok) as pts_ok,
            sum(overspeed) as overspeed,
            sum(fatigue) as fatigue
        from vehicle
        group by 1, 2, 3
    ),
    checked as (
        select win, win_start, company_key, count(*) as sent, count(*) filter (is_answered) as answered
        from
            (
                select 'week' as win, cast(date_trunc('week', day) as date) as win_start, *
                from marts.post_check
                where due_at < (select day from build.today)
                union all
                select 'month', cast(date_trunc('month', day) as date), *
                from marts.post_check
                where due_at < (select day from build.today)
            )
        where company_key is not null
        group by 1, 2, 3
    ),
    mean as (
        select
            win,
            win_start,
            vehicle_class,
            sum(overspeed) / nullif(sum(online), 0) as overspeed_a,
            sum(fatigue) / nullif(sum(online), 0) as fatigue_a
        from base
        group by 1, 2, 3
    ),
    item as (
        select
            b.*,
            m.overspeed_a,
            m.fatigue_a,
            c.sent,
            c.answered,
            case when vn / nullif(vh, 0) < 0.9 then 0 else 5 * vn / nullif(vh, 0) end as network_pts,
            5 * online_vn / nullif(vn_active, 0) as online_pts,
            case
                when km_complete / nullif(km_total, 0) < 0.7 then 0 else 15 * km_complete / nullif(km_total, 0)
            end as track_pts,
            case when pts_ok / nullif(pts, 0) < 0.8 then 0 else 15 * pts_ok / nullif(pts, 0) end as qualified_pts,
            case
                when drift / nullif(online, 0) > 0.05 then 0 else 10 * (1 - drift / nullif(online, 0))
            end as drift_item_pts,
            case
                when online = 0
                then null
                when overspeed_a = 0
                then 20
                else greatest(0, least(20, 10 * (2 * overspeed_a - overspeed / online) / overspeed_a))
            end as overspeed_pts,
            case
                when online = 0
                then null
                when fatigue_a = 0
                then 20
                else greatest(0, least(20, 10 * (2 * fatigue_a - fatigue / online) / fatigue_a))
            end as fatigue_pts,
            10 * answered / nullif(sent, 0) as post_pts
        from base b
        left join mean m using (win, win_start, vehicle_class)
        left join checked c using (win, win_start, company_key)
    ),
    summed as (
        select
            *,
            list_sum(
                list_filter(
                    [
                        network_pts,
                        online_pts,
                        track_pts,
                        qualified_pts,
                        drift_item_pts,
                        overspeed_pts,
                        fatigue_pts,
                        post_pts
                    ],
                    lambda x:x is not null
                )
            ) as got,
            case when network_pts is null then 0 else 5 end
            + case when online_pts is null then 0 else 5 end
            + case when track_pts is null then 0 else 15 end
            + case when qualified_pts is null then 0 else 15 end
            + case when drift_item_pts is null then 0 else 10 end
            + case when overspeed_pts is null then 0 else 20 end
            + case when fatigue_pts is null then 0 else 20 end
            + case when post_pts is null then 0 else 10 end as full_pts
        from item
    )
select
    s.win,
    s.win_start,
    s.win_start as day,
    s.company_key,
    coalesce(c.town_code, '330110000') as town_code,
    s.vn as weight,
    round(100 * s.got / nullif(s.full_pts, 0), 2) as score,
    round(s.network_pts, 2) as network_pts,
    round(s.online_pts, 2) as online_pts,
    round(s.track_pts, 2) as track_pts,
    round(s.qualified_pts, 2) as qualified_pts,
    round(s.drift_item_pts, 2) as drift_pts,
    round(s.overspeed_pts, 2) as overspeed_pts,
    round(s.fatigue_pts, 2) as fatigue_pts,
    round(s.post_pts, 2) as post_pts,
    s.overspeed_a,
    s.fatigue_a
from summed s
cross join build.today t
left join
    marts.company_span c
    on c.company_key = s.company_key
    and least(case s.win when 'week' then s.win_start + 6 else last_day(s.win_start) end, t.day - 1)
    between c.from_day and c.to_day
where s.vn > 0 and s.full_pts >= 60
