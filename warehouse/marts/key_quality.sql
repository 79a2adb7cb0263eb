-- Rows of the newest registers that pass every key rule (plate, colour, identity check digit, credit code, town code,
-- dates) against all rows, those in quarantine included; a row in which a field could not be read is a bad one.
with
    found as (
        select
            'yz_company' as table_name, count(*) as total, count(*) filter (odd_code or odd_town or has_filler) as bad
        from staging.stg_yz_company
        where is_current
        union all
        select
            'yz_vehicle',
            count(*),
            count(*) filter (
                plate_repaired
                or odd_color
                or odd_town
                or has_filler
                or coalesce(register_date > (select day from build.today), false)
            )
        from staging.stg_yz_vehicle
        where last_day = date '9999-12-31' and deleted_day is null
        union all
        select 'yz_driver', count(*), count(*) filter (odd_town)
        from staging.stg_yz_driver
        where is_current
        union all
        select 'yz_employment', count(*), count(*) filter (has_filler or odd_code)
        from staging.stg_yz_employment
        where not is_deleted
        union all
        select 'yz_certificate', count(*), count(*) filter (is_filler)
        from
            (select distinct cert_type, cert_no, holder_key, is_filler from staging.stg_yz_certificate where is_current)
        union all
        select source || '_' || entity, count(*) filter (is_row), count(*)
        from raw.quarantine
        where source = 'yz' and row_no >= 0 and entity in ('company', 'vehicle', 'driver', 'employment', 'certificate')
        group by 1
    )
select t.day, f.table_name, sum(f.total) as total, sum(f.bad) as bad
from found f
cross join build.today t
group by 1, 2
