-- Bound accounts of the mini-program by month, whether they did anything up to the last day that counts, and where
-- the person behind them belonged on it; else the town they gave. Restricted.
with
    month as (
        select cast(m as date) as day, least(last_day(cast(m as date)), t.day - 1) as until
        from
            build.today t,
            (
                select
                    unnest(
                        generate_series(
                            date_trunc('month', (select min(bind_day) from staging.stg_mp_user)),
                            (select day from build.today),
                            interval 1 month
                        )
                    ) as m
            )
        where cast(m as date) <= t.day - 1
    ),
    acted as (
        select e.user_id, m.day, sum(e.actions) as actions
        from raw.mp_event_day e
        join month m on e.day between m.day and m.until
        where e._deleted_at is null
        group by 1, 2
    )
select
    m.day,
    u.user_id,
    s.company_key,
    coalesce(s.town_code, u.town_code) as town_code,
    coalesce(a.actions, 0) >= 1 as is_active
from month m
join staging.stg_mp_user u on u.bind_day <= m.until
left join acted a on a.user_id = u.user_id and a.day = m.day
left join marts.driver_span s on s.person_key = u.person_key and m.until between s.from_day and s.to_day
