-- Activities of Party organisations, at the site's town of that day or else the company's.
select
    a.act_id,
    cast(a.held_at as date) as day,
    a.act_type,
    a.site_id,
    c.company_key,
    coalesce(s.town_code, c.town_code, '') as town_code,
    coalesce(a.attend_cnt, 0) as attend_cnt,
    coalesce(a.book_cnt, 0) as book_cnt
from raw.pb_activity a
left join staging.stg_pb_company k on k.written = code_norm(a.uscc)
left join staging.stg_st_site s on s.site_id = a.site_id and cast(a.held_at as date) between s.from_day and s.to_day
left join
    marts.company_span c on c.company_key = k.company_key and cast(a.held_at as date) between c.from_day and c.to_day
where a._deleted_at is null
