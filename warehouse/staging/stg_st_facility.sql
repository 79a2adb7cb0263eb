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
    version_ends(lead(cast(_version as date)) over same, _deleted_at) as to_day
from version
window same as (partition by site_id, fac_code order by _version, _seq, _row)
