-- Minutes of connection of each platform and day that is due: from the first report of a platform on, until the newest
-- day of which any platform has reported, or until the bureau has closed it (own_platform). A platform that says
-- nothing was not connected. Excused minutes (an outage above, reported beforehand) are not due.
with
    reported as (select * from raw.gps_link_day where _deleted_at is null),
    platform as (
        select r.platform_id, min(r.day) as first, coalesce(any_value(p.closed_on), date '9999-12-31') as closed_on
        from reported r
        left join raw.own_platform p using (platform_id)
        group by 1
    ),
    due as (
        select p.platform_id, cast(d.day as date) as day
        from platform p
        cross join
            lateral(select unnest(generate_series(p.first, (select max(day) from reported), interval 1 day)) as day) d
        where cast(d.day as date) < p.closed_on
    )
select
    d.platform_id,
    d.day,
    coalesce(r.up_min, 0) as up_min,
    coalesce(r.excused_min, 0) as excused_min,
    coalesce(r.break_cnt, 0) as break_cnt,
    r.platform_id is null as is_silent
from due d
left join reported r on r.platform_id = d.platform_id and r.day = d.day
