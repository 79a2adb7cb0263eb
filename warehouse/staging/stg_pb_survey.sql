-- Survey forms, version by version: which round was running and whose form was complete on any day.
with
    version as (
        select *
        from raw.pb_survey
        union all by name
        select *
        from raw.pb_survey_history
    )
select
    round_no,
    code_norm(uscc) as company_key,
    finished_at,
    missing_cnt,
    case
        when row_number() over same = 1
        then least(cast(_version as date), coalesce(finished_at, cast(_version as date)))
        else cast(_version as date)
    end as from_day,
    least(
        coalesce(lead(cast(_version as date)) over same - 1, date '9999-12-31'),
        coalesce(cast(_deleted_at as date) - 1, date '9999-12-31')
    ) as to_day
from version
window same as (partition by round_no, code_norm(uscc) order by _version, _seq, _row)
