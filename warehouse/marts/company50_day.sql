-- Companies of fifty and more on each reading day with everything that the programmes ask of them (C50 of the
-- catalogue).
with
    base as (
        select c.day, c.company_key, c.town_code, c.v_cnt
        from marts.company_day c
        where c.is_reg50 and c.day in (select day from build.reading_day)
    ),
    d as (select distinct day from base),
    staff as (
        select company_key, day, count(distinct person_key) filter (is_formal) as formal_cnt
        from marts.driver_day
        group by 1, 2
    ),
    party as (
        select o.company_key, d.day, bool_or(o.is_own) as has_own, true as is_covered
        from staging.stg_pb_org o
        join d on d.day between o.from_day and o.to_day
        where o.company_key is not null
        group by 1, 2
    ),
    guide as (
        select
            k.company_key, d.day, bool_or(i.role = '党建指导员') as has_instructor, bool_or(i.role = '驻企服务员') as has_servant
        from raw.pb_instructor i
        join staging.stg_pb_company k on k.written = code_norm(i.uscc)
        join
            d
            on d.day between i.from_date and coalesce(i.to_date, date '9999-12-31')
            and coalesce(cast(i._deleted_at as date) > d.day, true)
        group by 1, 2
    ),
    acted as (
        select distinct k.company_key, d.day
        from raw.pb_activity a
        join d on cast(a.held_at as date) <= d.day and cast(a.held_at as date) >= date_trunc('quarter', d.day)
        join staging.stg_pb_company k on k.written = code_norm(a.uscc)
        where a._deleted_at is null
        union
        select distinct o.company_key, d.day
        from raw.pb_activity a
        join d on cast(a.held_at as date) <= d.day and cast(a.held_at as date) >= date_trunc('quarter', d.day)
        join staging.stg_pb_org o on o.org_id = a.org_id and d.day between o.from_day and o.to_day
        where a._deleted_at is null and o.company_key is not null
    ),
    mass as (
        select
            u.company_key,
            d.day,
            bool_or(u.org_type in ('工会', '联合工会')) as has_union,
            bool_or(u.org_type = '团') as has_youth,
            bool_or(u.org_type = '妇') as has_women
        from staging.stg_un_org u
        join d on d.day between u.from_day and u.to_day
        group by 1, 2
    ),
    round as (
        select d.day, max(s.round_no) as round_no from d join staging.stg_pb_survey s on s.from_day <= d.day group by 1
    ),
    surveyed as (
        select distinct s.company_key, r.day
        from round r
        join staging.stg_pb_survey s on s.round_no = r.round_no and r.day between s.from_day and s.to_day
        where s.finished_at <= r.day and s.missing_cnt = 0
    ),
    six as (
        select code_norm(s.uscc) as company_key, d.day, count(distinct s.item_no) as six_done
        from raw.pb_six_one s
        join d on s.period = year(d.day) || 'Q' || quarter(d.day) and s.done_at <= d.day
        where s._deleted_at is null and s.item_no between 1 and 6
        group by 1, 2
    ),
    rule as (
        select
            max(value) filter (name = 'register_fresh_days') as fresh_days,
            max(value) filter (name = 'register_diff_cnt') as diff_cnt,
            max(value) filter (name = 'register_diff_ratio') as diff_ratio
        from raw.own_parameter
    )
select
    b.*,
    coalesce(f.formal_cnt, 0) as formal_cnt,
    coalesce(p.has_own, false) as has_own_org,
    coalesce(p.is_covered, false) as is_covered,
    coalesce(g.has_instructor, false) as has_instructor,
    coalesce(g.has_servant, false) as has_servant,
    a.company_key is not null as has_activity,
    coalesce(m.has_union, false) as has_union,
    coalesce(m.has_youth, false) as has_youth,
    coalesce(m.has_women, false) as has_women,
    s.company_key is not null as is_surveyed,
    r.company_key is not null as is_registered,
    coalesce(b.day >= (select min(from_day) from staging.stg_pb_register), false) as has_list,
    coalesce(b.day - r.confirmed_at <= x.fresh_days, false) as is_fresh,
    r.veh_cnt as register_veh_cnt,
    -- a company that the list does not know differs altogether
    coalesce(
        abs(r.veh_cnt - b.v_cnt) > x.diff_cnt or abs(r.veh_cnt - b.v_cnt) > x.diff_ratio * b.v_cnt,
        r.company_key is null
    ) as is_diff,
    (select count(*) from raw.own_six_one where _deleted_at is null) as six_due,
    coalesce(i.six_done, 0) as six_done
from base b
cross join rule x
left join staff f on f.company_key = b.company_key and f.day = b.day
left join party p on p.company_key = b.company_key and p.day = b.day
left join guide g on g.company_key = b.company_key and g.day = b.day
left join acted a on a.company_key = b.company_key and a.day = b.day
left join mass m on m.company_key = b.company_key and m.day = b.day
left join surveyed s on s.company_key = b.company_key and s.day = b.day
left join staging.stg_pb_register r on r.company_key = b.company_key and b.day between r.from_day and r.to_day
left join six i on i.company_key = b.company_key and i.day = b.day
