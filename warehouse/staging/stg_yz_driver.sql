-- Every version of a person in the register; the key is a pseudonym made at the door, so nothing here names anybody.
-- The first version known reaches back to the beginning.
with
    version as (
        select *
        from raw.yz_driver
        union all by name
        select *
        from raw.yz_driver_history
    ),
    ordered as (
        select *, row_number() over same as version_no, lead(cast(_version as date)) over same as next_day
        from version
        window same as (partition by person_key order by _version, _seq, _row)
    )
select
    person_key,
    sex,
    birth_year,
    phone_hash,
    integrity_grade,
    no_filler_date(integrity_to) as integrity_to,
    coalesce(status, '在岗') not in ('注销', '离职') as is_active,
    coalesce(t.code, '330110000') is distinct from home_town as odd_town,
    next_day is null and _deleted_at is null as is_current,
    version_begins(version_no, _version, date '1900-01-01') as from_day,
    version_ends(next_day, _deleted_at) as to_day,
    _seq,
    _row
from ordered
left join staging.stg_own_town t on t.spelling = no_filler(code_norm(home_town))
