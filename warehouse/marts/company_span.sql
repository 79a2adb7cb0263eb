-- A company's life in pieces, both ends inclusive: where it was, what it was and whether it held a valid licence and
-- traded (C of the catalogue = is_licensed). A first version that is already an ending means it traded until then
-- (SCD2, D16).
with
    piece as (
        select *, status = '营业' as is_trading
        from staging.stg_yz_company
        union all by name
        select * replace (version_day - 1 as to_day), true as is_trading
        from staging.stg_yz_company
        where version_no = 1 and status <> '营业'
    ),
    timed as (
        select * replace (case when version_no = 1 and not is_trading then version_day else from_day end as from_day)
        from piece
    ),
    cut as (
        -- the licence's dates cut a piece into before, within and after
        select
            *,
            unnest(
                [
                    struct_pack(
                        a := from_day,
                        b := least(to_day, coalesce(licence_from, date '1900-01-01') - 1),
                        within := false
                    ),
                    struct_pack(
                        a := greatest(from_day, coalesce(licence_from, date '1900-01-01')),
                        b := least(to_day, coalesce(licence_to, date '9999-12-31')),
                        within := true
                    ),
                    struct_pack(
                        a := greatest(from_day, coalesce(licence_to, date '9999-12-30') + 1),
                        b := to_day,
                        within := false
                    )
                ]
            ) as p
        from timed
    )
select
    company_key,
    p.a as from_day,
    p.b as to_day,
    town_code,
    coalesce(owner_type, '未知') as owner_type,
    is_hazmat,
    is_trading and p.within as is_licensed
from cut
where p.a <= p.b and (p.within or p.a < date '9999-12-31')
