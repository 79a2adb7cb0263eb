-- Rows of the newest registers that pass every key rule (plate, colour, identity check digit, credit code, town code,
-- dates) against all rows, those in quarantine included; a row in which a field could not be read is a bad one, once,
-- whatever else is wrong with it.
with
    refused as (
        select source || '_' || entity as table_name, landing_seq as _seq, row_no as _row, is_row
        from raw.quarantine
        where source = 'yz' and row_no >= 0 and entity in ('company', 'vehicle', 'driver', 'employment', 'certificate')
    ),
    landed as (
        select 'yz_company' as table_name, _seq, _row, odd_code or odd_town or has_filler as is_bad
        from staging.stg_yz_company
        where is_current
        union all
        select
            'yz_vehicle',
            _seq,
            _row,
            plate_repaired
            or odd_color
            or odd_town
            or has_filler
            or coalesce(register_date > (select day from build.today), false)
        from staging.stg_yz_vehicle
        where last_day = date '9999-12-31' and deleted_day is null
        union all
        select 'yz_driver', _seq, _row, odd_town
        from staging.stg_yz_driver
        where is_current
        union all
        select 'yz_employment', _seq, _row, has_filler or odd_code
        from staging.stg_yz_employment
        where not is_deleted
        union all
        select distinct 'yz_certificate', _seq, _row, is_filler
        from staging.stg_yz_certificate
        where is_current
    ),
    judged as (
        select l.table_name, l.is_bad or r._seq is not null as is_bad
        from landed l
        left join refused r on r.table_name = l.table_name and r._seq = l._seq and r._row = l._row and not r.is_row
        union all
        select table_name, true
        from refused
        where is_row
    )
select t.day, j.table_name, count(*) as total, count(*) filter (j.is_bad) as bad
from judged j
cross join build.today t
group by 1, 2
