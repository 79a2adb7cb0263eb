-- Spells during which a vehicle holds a road transport permit (道路运输证), overlapping certificates joined; fillers
-- and cancelled ones are none (D15). At most one spell holds any day.
with
    held as (
        select distinct
            vehicle_key(
                plate_norm(split_part(holder_key, '#', 1)),
                plate_color_norm(try_cast(split_part(holder_key, '#', 2) as smallint))
            ) as vehicle_key,
            from_day,
            to_day
        from staging.stg_yz_certificate
        where cert_type = 'YSZ' and not is_filler and coalesce(status, '有效') <> '注销'
    ),
    marked as (
        select
            *,
            max(to_day) over (
                partition by vehicle_key order by from_day, to_day rows between unbounded preceding and 1 preceding
            ) as reached
        from held
        where from_day <= to_day
    ),
    numbered as (
        select
            *,
            sum(case when reached >= from_day then 0 else 1 end) over (
                partition by vehicle_key order by from_day, to_day
            ) as spell
        from marked
    )
select vehicle_key, min(from_day) as from_day, max(to_day) as to_day
from numbered
group by vehicle_key, spell
