-- A row is a change of a published number, the newest first: the value before and after, in the unit of the indicator,
-- whether the one before was published as provisional, and the reason where it is a definition ('' = new data).
-- $metric: of that indicator only, NULL for all.
with
    -- a generation of an earlier release does not say why
    every as (
        select *
        from meta.kpi_revision
        union all by name
        select null::varchar as why
        where false
    ),
    revised as (
        select kpi_id, win, win_start, grain, grain_key, value, recorded_at, generation, is_provisional, why
        from every
        where $metric is null or kpi_id = $metric
        qualify count(*) over (partition by kpi_id, win, win_start, grain, grain_key) > 1
    ),
    versions as (
        select
            kpi_id,
            win,
            win_start,
            grain_key,
            lag(value) over number as old,
            value as new,
            recorded_at,
            generation,
            lag(is_provisional) over number as was_provisional,
            coalesce(why, '') as why,
            row_number() over number as version
        from revised
        window number as (partition by kpi_id, win, win_start, grain, grain_key order by recorded_at)
    )
select kpi_id, win, win_start, grain_key, old, new, recorded_at, generation, was_provisional, why
from versions
where version > 1
order by recorded_at desc, kpi_id, grain_key
