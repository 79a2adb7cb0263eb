-- Versions of a service site, coordinates in WGS-84 (D04); the first version known reaches back to the beginning.
with
    version as (
        select *
        from raw.st_site
        union all by name
        select *
        from raw.st_site_history
    ),
    ordered as (
        select *, row_number() over same as version_no, lead(cast(_version as date)) over same as next_day
        from version
        window same as (partition by site_id order by _version, _seq, _row)
    )
select
    site_id,
    name,
    kind,
    coalesce(t.code, '330110000') as town_code,
    home_area,
    address,
    operator,
    hours,
    level,
    case when coord_sys = 1 then wgs_lon(lon, lat) when coord_sys in (2, 4) then lon end as lon,
    case when coord_sys = 1 then wgs_lat(lon, lat) when coord_sys in (2, 4) then lat end as lat,
    coord_sys = 1 and lon is not null as was_gcj,
    coalesce(status, '在用') = '在用' as is_open,
    next_day is null and _deleted_at is null as is_current,
    version_begins(version_no, _version, date '1900-01-01') as from_day,
    version_ends(next_day, _deleted_at) as to_day
from ordered
left join staging.stg_own_town t on t.spelling = no_filler(code_norm(town))
