-- Certificates by category with the days on which each version was in force (from_day..to_day, both inclusive),
-- fillers marked: 6-digit area + 000000 and id6 + 000000000000 only look like numbers (D15). A renewal counts from
-- the day it was entered.
with
    version as (
        select *
        from raw.yz_certificate
        union all by name
        select *
        from raw.yz_certificate_history
    ),
    ordered as (
        select *, row_number() over same as version_no, lead(cast(_version as date)) over same as next_day
        from version
        window same as (partition by cert_type, cert_no, holder_key order by _version, _seq, _row)
    )
select
    cert_type,
    cert_no,
    holder_key,
    unnest(regexp_split_to_array(coalesce(category, ''), '[;；、,]')) as category,
    no_filler(ecert_id) is not null as has_ecert,
    cast(ecert_at as date) as ecert_day,
    status,
    regexp_full_match(cert_no, '\d{6}0{6}|\d{6}0{12}') or no_filler(cert_no) is null as is_filler,
    next_day is null and _deleted_at is null as is_current,
    greatest(
        coalesce(no_filler_date(issue_date), date '1900-01-01'), version_begins(version_no, _version, date '1900-01-01')
    ) as from_day,
    least(coalesce(no_filler_date(valid_to), date '9999-12-31'), version_ends(next_day, _deleted_at)) as to_day,
    _seq,
    _row
from ordered
