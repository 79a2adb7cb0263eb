-- Post checks with their answer; an empty answer or one before the question counts as none. Platform-wide ones have
-- no company.
select
    p.check_id,
    cast(p.sent_at as date) as day,
    code_norm(p.uscc) as company_key,
    coalesce(c.town_code, '') as town_code,
    p.object_type,
    p.sent_at + to_seconds(p.limit_s) <= k.as_of as is_due,
    p.sent_at + to_seconds(p.limit_s) as due_at,
    coalesce(
        p.answered_at >= p.sent_at
        and p.answered_at <= p.sent_at + to_seconds(p.limit_s)
        and nullif(trim(p.content), '') is not null,
        false
    ) as is_answered,
    coalesce(p.answered_at < p.sent_at, false) as is_clock_error
from raw.gps_post_check p
cross join build.clock k
left join
    marts.company_span c
    on c.company_key = code_norm(p.uscc)
    and cast(p.sent_at as date) between c.from_day and c.to_day
