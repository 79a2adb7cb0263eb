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
    version_begins(row_number() over same, _version, confirmed_at) as from_day,
    version_ends(lead(cast(_version as date)) over same, _deleted_at) as to_day
from version
window same as (partition by code_norm(uscc) order by _version, _seq, _row)
