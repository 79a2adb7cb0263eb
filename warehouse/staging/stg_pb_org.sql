-- Party organisations, version by version, and the companies each of them covers: its own and, for joint ones, every
-- one that is listed (D24: a name is as good as a code when it can mean one company only).
with
    version as (
        select *
        from raw.pb_org
        union all by name
        select *
        from raw.pb_org_history
    ),
    org as (
        select
            *,
            version_begins(row_number() over same, _version, set_up_at) as from_day,
            version_ends(lead(cast(_version as date)) over same, _deleted_at) as to_day
        from version
        window same as (partition by org_id order by _version, _seq, _row)
    ),
    link as (
        select
            org_id,
            uscc,
            min(cast(_version as date)) as from_day,
            coalesce(max(cast(_deleted_at as date)) - 1, date '9999-12-31') as to_day
        from
            (
                select org_id, uscc, _version, _deleted_at
                from raw.pb_org_company
                union all
                select org_id, uscc, _version, null
                from raw.pb_org_company_history
            )
        group by 1, 2
    ),
    covered as (
        select o.org_id, o.org_type, o.status, o.set_up_at, o.uscc as written, o.from_day, o.to_day
        from org o
        where o.uscc is not null
        union all
        select
            o.org_id,
            o.org_type,
            o.status,
            o.set_up_at,
            l.uscc,
            greatest(o.from_day, l.from_day),
            least(o.to_day, l.to_day)
        from org o
        join link l using (org_id)
        where o.org_type in ('联合', '行业', '流动')
    )
select
    c.org_id,
    c.org_type,
    k.company_key,
    c.written,
    c.org_type in ('党委', '总支', '支部') as is_own,
    greatest(c.from_day, coalesce(c.set_up_at, c.from_day)) as from_day,
    c.to_day,
    k.company_key is null as is_unknown
from covered c
left join staging.stg_pb_company k on k.written = code_norm(c.written)
where coalesce(c.status, '正常') <> '撤销' and c.from_day <= c.to_day
