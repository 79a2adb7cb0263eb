-- States of a site's facilities, one after another.
with
    version as (
        select *
        from raw.st_facility
        union all by name
        select *
        from raw.st_facility_history
    )
select
    site_id,
    upper(trim(fac_code)) as fac_code,
    status,
    status = '可用' as is_available,
    coalesce(free, false) as is_free,
    cast(_version as date) as from_day,
    least(
        coalesce(lead(cast(_version as date)) over same - 1, date '9999-12-31'),
        coalesce(cast(_deleted_at as date) - 1, date '9999-12-31')
    ) as to_day
from version
window same as (partition by site_id, fac_code order by _version, _seq, _row)
