-- Honours by holder; one passed up a level counts at the highest it has reached: until to_day, the day before the next
-- one. A person's belongs where the driver worked, a group's where the company is. Restricted: it has person keys.
with
    named as (
        select
            *,
            coalesce(person_key, org_id, code_norm(uscc), award_id) as holder,
            case level when '国家' then 1 when '省' then 2 when '市' then 3 when '区' then 4 else 5 end as rank,
            case when year(awarded_at) = year then awarded_at else make_date(year, 1, 1) end as day
        from raw.hn_award
        where _deleted_at is null
    ),
    raised as (
        select *
        from named
        qualify
            rank < coalesce(
                min(rank) over (
                    partition by award_code, holder, year, status
                    order by day, rank, award_id
                    rows between unbounded preceding and 1 preceding
                ),
                9
            )
    ),
    best as (
        select
            *,
            coalesce(
                lead(day) over (partition by award_code, holder, year, status order by day) - 1, date '9999-12-31'
            ) as to_day
        from raised
    )
select
    b.award_id,
    b.award_code || '|' || b.holder || '|' || b.year as honour_id,
    b.award_code,
    b.level,
    coalesce(b.holder_type, case when b.person_key is null then '集体' else '个人' end) as holder_type,
    b.holder,
    b.person_key is not null as is_person,
    b.status,
    b.day,
    b.to_day,
    coalesce(s.company_key, c.company_key) as company_key,
    coalesce(s.town_code, c.town_code) as town_code
from best b
left join marts.driver_span s on s.person_key = b.person_key and b.day between s.from_day and s.to_day
left join staging.stg_pb_company k on b.person_key is null and k.written = code_norm(b.uscc)
left join marts.company_span c on c.company_key = k.company_key and b.day between c.from_day and c.to_day
