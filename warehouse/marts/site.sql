-- The service sites as they are today, in WGS-84, with the codes of the facilities that can be used and of those
-- under repair. lon and lat are NULL when the register gives none; town_code 330110000 when no town of ours is known.
with
    facility as (
        select
            site_id,
            list(fac_code order by fac_code) filter (is_available) as usable,
            list(fac_code order by fac_code) filter (status = '维修') as broken,
            list(fac_code order by fac_code) filter (is_available and is_free) as free
        from staging.stg_st_facility
        where (select day from build.today) between from_day and to_day
        group by 1
    )
select
    s.site_id,
    s.name,
    s.kind,
    s.town_code,
    s.home_area,
    s.address,
    s.operator,
    s.lon,
    s.lat,
    s.hours,
    s.level,
    s.is_open,
    f.usable,
    f.broken,
    f.free
from staging.stg_st_site s
left join facility f using (site_id)
where s.is_current
