-- Verified volunteer hours of a person and day (D20): activities called off, ends before beginnings and unverified
-- records are left out, overlapping records of one person count once, more than twelve hours a day are cut.
with
    record as (
        select
            r.rec_id,
            coalesce(r.person_key, u.person_key) as person_key,
            coalesce(r.person_key, u.person_key, r.user_id) as who,
            r.start_at,
            r.end_at,
            r.end_at <= r.start_at as is_backwards,
            coalesce(a.status, '正常') = '取消' as is_called_off,
            coalesce(r.verified, false) as is_verified
        from raw.mp_volunteer_record r
        left join staging.stg_mp_user u using (user_id)
        left join raw.mp_volunteer_activity a using (act_id)
        where r._deleted_at is null
    ),
    reached as (
        select
            *,
            max(end_at) over (
                partition by who order by start_at, end_at, rec_id rows between unbounded preceding and 1 preceding
            ) as until
        from record
        where is_verified and not is_backwards and not is_called_off and who is not null
    ),
    numbered as (
        select
            *,
            until > start_at as is_overlap,
            sum(case when until >= start_at then 0 else 1 end) over (
                partition by who order by start_at, end_at, rec_id
            ) as spell
        from reached
    ),
    merged as (
        select
            who,
            any_value(person_key) as person_key,
            min(start_at) as start_at,
            max(end_at) as end_at,
            count(*) filter (is_overlap) as overlap_cnt
        from numbered
        group by who, spell
    )
select
    who,
    any_value(person_key) as person_key,
    cast(start_at as date) as day,
    least(12, sum(epoch(end_at - start_at)) / 3600) as hours,
    sum(epoch(end_at - start_at)) > 12 * 3600 as is_cut,
    sum(overlap_cnt) as overlap_cnt
from merged
group by who, cast(start_at as date)
