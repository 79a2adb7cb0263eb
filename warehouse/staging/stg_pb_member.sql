-- Versions of the Party ledger's people, one month after another. The first version reaches back to the day of
-- verification.
with
    version as (
        select *
        from raw.pb_member
        union all by name
        select *
        from raw.pb_member_history
    ),
    ordered as (
        select
            *,
            cast(_version as date) as ledger_day,
            row_number() over same as version_no,
            lead(cast(_version as date)) over same as next_day
        from version
        window same as (partition by person_key order by _version, _seq, _row)
    )
select
    person_key,
    org_id,
    stage,
    verify_status,
    lead_source is not null as is_lead,
    verified_at,
    badge_at,
    verify_status = 'confirmed' and stage in ('正式党员', '预备党员') as is_confirmed,
    case when version_no = 1 then least(ledger_day, coalesce(verified_at, ledger_day)) else ledger_day end as from_day,
    least(
        coalesce(next_day - 1, date '9999-12-31'), coalesce(cast(_deleted_at as date) - 1, date '9999-12-31')
    ) as to_day
from ordered
