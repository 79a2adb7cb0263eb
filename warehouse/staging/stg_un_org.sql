-- Unions, youth and women's organisations and the companies they cover: their own, and those on the coverage list.
with
    covered as (
        select org_id, org_type, uscc as written, set_up_at, _version, _deleted_at
        from raw.un_org
        where uscc is not null
        union all
        select org_id, org_type, unnest(regexp_split_to_array(coverage, '[;；、,，]')), set_up_at, _version, _deleted_at
        from raw.un_org
        where coverage is not null
    )
select distinct
    c.org_id,
    c.org_type,
    k.company_key,
    coalesce(c.set_up_at, cast(c._version as date)) as from_day,
    coalesce(cast(c._deleted_at as date) - 1, date '9999-12-31') as to_day
from covered c
join staging.stg_pb_company k on k.written = code_norm(c.written)
