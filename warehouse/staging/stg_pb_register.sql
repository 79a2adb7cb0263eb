-- Versions of the bureau's register of companies of fifty and more, month after month.
with
    version as (
        select *
        from raw.pb_register50
        union all by name
        select *
        from raw.pb_register50_history
    )
select
    code_norm(uscc) as company_key,
    veh_cnt,
    driver_cnt,
    party_cnt,
    confirmed_at,
    case
        when row_number() over same = 1
        then least(cast(_version as date), coalesce(confirmed_at, cast(_version as date)))
        else cast(_version as date)
    end as from_day,
    least(
        coalesce(lead(cast(_version as date)) over same - 1, date '9999-12-31'),
        coalesce(cast(_deleted_at as date) - 1, date '9999-12-31')
    ) as to_day
from version
window same as (partition by code_norm(uscc) order by _version, _seq, _row)
