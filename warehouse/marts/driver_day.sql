-- Drivers in post on each reading day, one row a person and company (P, P45, P50 of the catalogue) with everything
-- that the driver, membership and programme indicators ask of a person on that day. Person-level: restricted.
with
    d as (select day from build.day where day in (select day from build.reading_day)),
    present as (
        select d.day, p.*, c.v45_cnt > 0 as is_p45, c.is_reg50 as is_p50
        from d
        join marts.driver_span p on d.day between p.from_day and p.to_day
        join marts.company_day c on c.company_key = p.company_key and c.day = d.day
    ),
    qualified as (
        select distinct q.holder_key as person_key, d.day
        from staging.stg_yz_certificate q
        join d on d.day between q.from_day and q.to_day
        where
            q.cert_type = 'CYZG'
            and not q.is_filler
            and contains(q.category, '驾驶员')
            and contains(q.category, '货物')
            and coalesce(q.status, '有效') <> '注销'
    ),
    event as (
        select person_key, cast(begin_at as date) as day
        from raw.rdm_learning
        union
        select person_key, cast(checked_at as date)
        from raw.rdm_check
        union
        select person_key, cast(last_event_at as date)
        from raw.rdm_account
        union
        select person_key, cast(last_event_at as date)
        from raw.rdm_account_history
    ),
    -- an event connects for thirty days: of those that follow each other within them, the first and the last say it all
    spell as (
        select
            person_key,
            day,
            is_first,
            case when is_last then day else lead(day) over (partition by person_key order by day) end as last_day
        from
            (
                select
                    person_key,
                    day,
                    coalesce(day - lag(day) over v > 30, true) as is_first,
                    coalesce(lead(day) over v - day > 30, true) as is_last
                from event
                window v as (partition by person_key order by day)
            )
        where is_first or is_last
    ),
    connected as (
        select distinct a.person_key, d.day
        from
            (
                select person_key, min(cast(opened_at as date)) as opened
                from raw.rdm_account
                where status = '启用' and _deleted_at is null
                group by 1
            ) a
        join spell s on s.is_first and s.person_key = a.person_key
        join d on d.day >= a.opened and d.day between s.day and s.last_day + 29
    ),
    member as (
        select
            m.person_key,
            d.day,
            bool_or(m.is_confirmed and coalesce(m.verified_at <= d.day, true)) as is_member,
            bool_or(m.is_confirmed and m.stage = '正式党员' and coalesce(m.verified_at <= d.day, true)) as is_formal,
            bool_or(m.badge_at <= d.day) as is_badged,
            bool_or(m.verify_status = 'lead') as is_open_lead,
            bool_or(m.is_lead) as is_lead,
            bool_or(m.is_lead and m.verify_status in ('confirmed', 'excluded')) as is_resolved,
            bool_or(m.is_lead and m.verify_status = 'confirmed') as is_lead_confirmed
        from staging.stg_pb_member m
        join d on d.day between m.from_day and m.to_day
        group by 1, 2
    ),
    staged as (
        select s.person_key, d.day, arg_max(s.stage, s.from_day) as stage, max(s.from_day) as stage_from
        from staging.stg_pb_stage s
        join d on not s.is_odd and d.day between s.from_day and s.to_day
        group by 1, 2
    ),
    unionised as (
        select distinct u.person_key, d.day
        from raw.un_member u
        join
            d
            on u.join_date <= d.day
            and coalesce(u.leave_date > d.day, true)
            and coalesce(cast(u._deleted_at as date) > d.day, true)
    ),
    account as (
        select person_key, min(bind_day) as bind_day from staging.stg_mp_user where person_key is not null group by 1
    ),
    lit as (
        select distinct u.person_key, d.day
        from raw.mp_red_heart h
        join staging.stg_mp_user u using (user_id)
        join d on cast(h.lit_at as date) <= d.day and coalesce(cast(h.off_at as date) > d.day, true)
        where h.audit_status = '通过' and h._deleted_at is null
    ),
    helped as (
        select distinct v.person_key, d.day
        from staging.stg_mp_volunteer v
        join d on v.day <= d.day and v.day >= date_trunc('quarter', d.day)
        where v.person_key is not null
    ),
    tired as (
        select a.person_key, d.day
        from staging.stg_as_alarm a
        join d on a.day between d.day - 6 and d.day
        where a.is_alarm and a.is_fatigue and a.level = 2 and a.person_key is not null
        group by 1, 2
        having count(*) >= 2
    ),
    red as (
        select s.person_key, d.day
        from raw.ext_safety_code s
        join d on s.day between d.day - 6 and d.day
        where s._deleted_at is null
        group by 1, 2
        having arg_max(s.colour, s.day) = '红'
    ),
    scored as (
        select
            person_key,
            month,
            score < (select max(value) from raw.own_parameter where name = 'high_risk_score') as is_low
        from marts.driver_score
    )
select
    p.day,
    p.person_key,
    p.company_key,
    p.town_code,
    case when p.owner_type = '企业' then '企业聘用' else '个体' end as employer,
    coalesce(p.sex, '未知') as sex,
    case
        when p.birth_year is null
        then '未知'
        when year(p.day) - p.birth_year < 30
        then '30岁以下'
        when year(p.day) - p.birth_year < 40
        then '30–39岁'
        when year(p.day) - p.birth_year < 50
        then '40–49岁'
        when year(p.day) - p.birth_year < 60
        then '50–59岁'
        else '60岁及以上'
    end as age_band,
    p.is_captain,
    p.is_p45,
    p.is_p50,
    q.person_key is not null as is_qualified,
    p.integrity_grade,
    coalesce(
        p.integrity_grade in ('AAA', 'AA', 'A', 'B')
        and p.day between p.integrity_to - interval 1 year and p.integrity_to,
        false
    ) as is_graded,
    c.person_key is not null as is_connected,
    coalesce(m.is_member, false) as is_member,
    coalesce(m.is_formal, false) as is_formal,
    coalesce(m.is_open_lead, false) as is_open_lead,
    coalesce(m.is_lead, false) as is_lead,
    coalesce(m.is_resolved, false) as is_resolved,
    coalesce(m.is_lead_confirmed, false) as is_lead_confirmed,
    s.stage,
    s.stage is not null and (s.stage <> '正式党员' or year(s.stage_from) = year(p.day)) as is_in_pipeline,
    u.person_key is not null as is_union,
    coalesce(a.bind_day <= p.day, false) as is_registered,
    l.person_key is not null as is_lit,
    coalesce(m.is_badged, false) as is_badged,
    coalesce(m.is_member, false) or coalesce(s.stage = '入党积极分子', false) or p.is_captain as is_backbone,
    h.person_key is not null as has_helped,
    coalesce(k.is_low, false) or t.person_key is not null or r.person_key is not null as is_high_risk
from present p
left join qualified q on q.person_key = p.person_key and q.day = p.day
left join connected c on c.person_key = p.person_key and c.day = p.day
left join member m on m.person_key = p.person_key and m.day = p.day
left join staged s on s.person_key = p.person_key and s.day = p.day
left join unionised u on u.person_key = p.person_key and u.day = p.day
left join account a on a.person_key = p.person_key
left join lit l on l.person_key = p.person_key and l.day = p.day
left join helped h on h.person_key = p.person_key and h.day = p.day
left join tired t on t.person_key = p.person_key and t.day = p.day
left join red r on r.person_key = p.person_key and r.day = p.day
left join
    scored k on k.person_key = p.person_key and k.month = cast(date_trunc('month', p.day) - interval 1 month as date)
