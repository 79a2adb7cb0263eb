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
        select *, row_number() over same as version_no, lead(cast(_version as date)) over same as next_day
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
    version_begins(version_no, _version, verified_at) as from_day,
    version_ends(next_day, _deleted_at) as to_day
from ordered
