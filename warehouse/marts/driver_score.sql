-- Our own monthly safety score of a driver: 100 − Σ weight × alarms per 1000 km, weights by module and level from
-- own_score_weight, nobody under score_min_km. The vendor's score stands beside and is never mixed in.
with
    alarm as (
        select
            person_key,
            strftime(day, '%Y-%m') as month,
            cast(sum(cast(coalesce(w.weight, 0) as decimal(9, 4))) as double) as points
        from staging.stg_as_alarm a
        left join raw.own_score_weight w using (module, level)
        where a.is_alarm and a.person_key is not null
        group by 1, 2
    )
select
    s.person_key,
    cast(s.month || '-01' as date) as month,
    s.km,
    s.score as vendor_score,
    greatest(0, 100 - coalesce(a.points, 0) / s.km * 1000) as score
from raw.rdm_score_month s
left join alarm a on a.person_key = s.person_key and a.month = s.month
where s._deleted_at is null and s.km >= (select max(value) from raw.own_parameter where name = 'score_min_km')
