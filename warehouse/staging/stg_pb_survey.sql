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
    version_begins(row_number() over same, _version, finished_at) as from_day,
    version_ends(lead(cast(_version as date)) over same, _deleted_at) as to_day
from version
window same as (partition by round_no, code_norm(uscc) order by _version, _seq, _row)
