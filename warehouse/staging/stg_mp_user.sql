-- Accounts of the mini-program with the person behind them: by identity, else by a phone that only one driver has
-- (D25, a weak match, marked as such).
with
    phone as (
        select phone_hash, min(person_key) as person_key
        from staging.stg_yz_driver
        where phone_hash is not null and is_current
        group by 1
        having count(distinct person_key) = 1
    )
select
    u.user_id,
    coalesce(u.person_key, p.person_key) as person_key,
    u.person_key is null and p.person_key is not null as is_by_phone,
    cast(u.bind_at as date) as bind_day,
    coalesce(t.code, '330110000') as town_code,
    count(*) over (partition by coalesce(u.person_key, p.person_key, u.user_id)) > 1 as is_double
from raw.mp_user u
left join phone p on p.phone_hash = u.phone_hash
left join staging.stg_own_town t on t.spelling = no_filler(code_norm(u.town))
where u._deleted_at is null
