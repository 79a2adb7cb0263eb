-- Drivers' appeals on the day by which they are due. One ticket through two channels is one: by its number, or by
-- phone, category and less than 24 hours between them; the earliest due day and the latest closing count, and the
-- channel through which it came first.
with
    ticket as (
        select
            ticket_no,
            min(category) as category,
            min(phone_hash) as phone_hash,
            min(code_norm(uscc)) as company_key,
            min(received_at) as received_at,
            min(due) as due,
            case when count(*) = count(closed_at) then max(closed_at) end as closed_at,
            max(satisfied) as satisfied,
            arg_min(channel, {'at':received_at, 'channel':channel}) as channel
        from raw.pj_appeal
        where _deleted_at is null
        group by 1
    ),
    marked as (
        select
            *,
            phone_hash is not null
            and received_at - min(received_at) over (
                partition by phone_hash, category
                order by received_at range between interval 24 hours preceding and current row
            )
            > interval 0 second as is_again
        from ticket
    ),
    numbered as (
        select
            *,
            case
                when phone_hash is null
                then ticket_no
                else
                    phone_hash
                    || '|'
                    || coalesce(category, '')
                    || '|'
                    || sum(case when is_again then 0 else 1 end) over (
                        partition by phone_hash, category order by received_at, ticket_no
                    )
            end as merged
        from marked
    )
select
    min(n.ticket_no) as ticket_no,
    min(n.due) as day,
    min(n.category) as category,
    arg_min(n.channel, {'at':n.received_at, 'ticket':n.ticket_no}) as channel,
    min(n.company_key) as company_key,
    coalesce(min(c.town_code), '') as town_code,
    coalesce(
        case when count(*) = count(n.closed_at) then cast(max(n.closed_at) as date) end <= min(n.due), false
    ) as is_ontime,
    max(n.satisfied) as satisfied
from numbered n
left join
    marts.company_span c
    on c.company_key = n.company_key
    and cast(n.received_at as date) between c.from_day and c.to_day
group by n.merged
