-- Service sites day by day: hours, visits by the best method of the day (check-in before counter before manual
-- count), and facilities. in_use: not closed for good; a closure the bureau approved leaves both sides of the opening
-- rate. A day is due by the register of sites, as far as any site has reported: one that says nothing of a day was not
-- open, for as long as its hours promise.
with
    span as (
        select
            least(
                (select min(day) from raw.st_open_log),
                (select min(cast(visited_at as date)) from raw.st_visit),
                (select min(from_day) from staging.stg_st_facility)
            ) as first,
            (select day from build.today) as last
    ),
    logged as (select min(day) as first, max(day) as last from raw.st_open_log where _deleted_at is null),
    usual as (
        select site_id, mode(scheduled_min) as scheduled_min
        from raw.st_open_log
        where _deleted_at is null and scheduled_min > 0
        group by 1
    ),
    base as (
        select
            cast(d.day as date) as day,
            s.site_id,
            s.name,
            s.kind,
            s.town_code,
            s.is_open,
            s.is_open and cast(d.day as date) between g.first and g.last as is_due,
            open_minutes(s.hours) as promised_min
        from (select unnest(generate_series(first, last, interval 1 day)) as day from span) d
        join staging.stg_st_site s on cast(d.day as date) between s.from_day and s.to_day
        cross join logged g
    ),
    counted as (
        select site_id, cast(visited_at as date) as day, method, sum(cnt) as cnt
        from raw.st_visit
        where _deleted_at is null
        group by 1, 2, 3
    ),
    visited as (
        select site_id, day, method, cnt
        from counted
        qualify
            row_number() over (
                partition by site_id, day order by case method when 'checkin' then 1 when 'counter' then 2 else 3 end
            )
            = 1
    ),
    facility as (
        select
            b.site_id,
            b.day,
            count(distinct f.fac_code) filter (
                f.fac_code in ('PARK', 'REST', 'HOTWATER', 'MEALHEAT', 'SHOWER', 'LAUNDRY')
            )
            = 6 as has_basics,
            count(distinct f.fac_code) filter (
                f.fac_code in ('FUEL', 'SHOP', 'DINING', 'REPAIR', 'WIFI', 'PARK', 'REST', 'LODGING', 'LAUNDRY')
            ) as nine_cnt
        from base b
        join
            staging.stg_st_facility f
            on f.site_id = b.site_id
            and f.is_available
            and b.day between f.from_day and f.to_day
        group by 1, 2
    )
select
    b.site_id,
    b.name,
    b.kind,
    b.day,
    b.town_code,
    b.is_open as in_use,
    coalesce(l.is_excused, false) as is_excused,
    case when b.is_due then coalesce(l.opened_min, 0) else l.opened_min end as opened_min,
    case
        when b.is_due then coalesce(l.scheduled_min, b.promised_min, n.scheduled_min) else l.scheduled_min
    end as scheduled_min,
    b.is_due and l.site_id is null as is_silent,
    v.method as visit_method,
    v.cnt as visit_cnt,
    coalesce(f.has_basics, false) as has_basics,
    coalesce(f.nine_cnt, 0) as nine_cnt
from base b
left join raw.st_open_log l on l.site_id = b.site_id and l.day = b.day and l._deleted_at is null
left join usual n on n.site_id = b.site_id
left join visited v on v.site_id = b.site_id and v.day = b.day
left join facility f on f.site_id = b.site_id and f.day = b.day
