-- Valid steps of the way into the Party, each with the days it held. Events are taken in their order; one that goes
-- back, or comes sooner than the rule allows (a year from 积极分子 to 发展对象, a year as 预备党员), is not believed
-- (D17).
with recursive
    event as (
        select
            person_key,
            stage,
            event_date,
            rank,
            row_number() over (partition by person_key order by event_date, rank) as n
        from
            (
                select distinct
                    person_key,
                    stage,
                    event_date,
                    case
                        stage
                        when '入党申请人'
                        then 1
                        when '入党积极分子'
                        then 2
                        when '发展对象'
                        then 3
                        when '预备党员'
                        then 4
                        when '正式党员'
                        then 5
                    end as rank
                from raw.pb_stage_event
                where _deleted_at is null
            )
        where rank is not null
    ),
    walk as (
        select distinct
            person_key,
            cast(0 as bigint) as n,
            0 as rank,
            cast(null as date) as activist_from,
            cast(null as date) as probation_from,
            cast(null as varchar) as stage,
            cast(null as date) as event_date,
            false as is_step,
            false as is_odd
        from event
        union all
        select
            person_key,
            n,
            case when is_step then new_rank else rank end,
            case when is_step and new_rank = 2 then event_date else activist_from end,
            case when is_step and new_rank = 4 then event_date else probation_from end,
            stage,
            event_date,
            is_step,
            not is_step and new_rank <> rank
        from
            (
                select
                    e.person_key,
                    e.n,
                    w.rank,
                    e.rank as new_rank,
                    w.activist_from,
                    w.probation_from,
                    e.stage,
                    e.event_date,
                    e.rank > w.rank
                    and not coalesce(e.rank = 3 and e.event_date < w.activist_from + 365, false)
                    and not coalesce(e.rank = 5 and e.event_date < w.probation_from + 365, false) as is_step
                from walk w
                join event e on e.person_key = w.person_key and e.n = w.n + 1
            )
    )
select
    person_key,
    stage,
    rank,
    event_date as from_day,
    coalesce(lead(event_date) over (partition by person_key order by n) - 1, date '9999-12-31') as to_day,
    false as is_odd
from walk
where is_step
union all
select person_key, stage, rank, event_date, null, true
from walk
where is_odd
