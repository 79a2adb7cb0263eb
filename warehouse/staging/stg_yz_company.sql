-- Every version of a company or individual operator, fillers emptied (D15), town spellings resolved (D12),
-- coordinates in WGS-84 (D04). The first version known reaches back to the beginning; is_current marks the newest one
-- that is not deleted.
with
    version as (
        select *
        from raw.yz_company
        union all by name
        select *
        from raw.yz_company_history
    ),
    ordered as (
        select
            *,
            code_norm(uscc) as company_key,
            cast(_version as date) as version_day,
            row_number() over same as version_no,
            lead(cast(_version as date)) over same as next_day
        from version
        window same as (partition by code_norm(uscc) order by _version, _seq, _row)
    )
select
    c.company_key,
    trim(c.name, ' 	') as name,
    c.address,
    c.owner_type,
    contains(coalesce(c.scope_text, ''), '危险货物') as is_hazmat,
    coalesce(t.code, '330110000') as town_code,
    t.code is null as town_unknown,
    coalesce(t.code, '330110000') is distinct from coalesce(no_filler(c.op_town), no_filler(c.reg_town)) as odd_town,
    -- the alphabet of GB 32100 has no I, O, S, V, Z; other forms stay as they are and are listed for a person to
    -- match (D11)
    c.company_key <> coalesce(c.licence_no, '') and not is_uscc(c.company_key) as odd_code,
    case when c.coord_sys = 1 then wgs_lon(c.lon, c.lat) when c.coord_sys in (2, 4) then c.lon end as lon,
    case when c.coord_sys = 1 then wgs_lat(c.lon, c.lat) when c.coord_sys in (2, 4) then c.lat end as lat,
    c.coord_sys = 1 and c.lon is not null as was_gcj,
    coalesce(c.coord_sys, 0) not in (1, 2, 4) and c.lon is not null as coord_unknown,
    no_filler_date(c.licence_from) as licence_from,
    no_filler_date(c.licence_to) as licence_to,
    no_filler(c.licence_no) is null
    or c.licence_no = '330110000000'
    or no_filler_date(c.licence_to) is distinct from c.licence_to as has_filler,
    -- the replacement character and private-use ones: once lost, the text can only be asked for again (D13)
    c.name <> trim(c.name, ' 	')
    or regexp_matches(concat(c.name, c.address), '[\x{FFFD}\x{E000}-\x{F8FF}０-９]') as odd_text,
    c.status,
    c.credit_grade,
    c.scope_text,
    c.version_day,
    c.version_no,
    c.next_day is null and c._deleted_at is null as is_current,
    version_begins(c.version_no, c._version, date '1900-01-01') as from_day,
    version_ends(c.next_day, c._deleted_at) as to_day,
    c._seq,
    c._row
from ordered c
left join
    staging.stg_own_town t on t.spelling = coalesce(no_filler(code_norm(c.op_town)), no_filler(code_norm(c.reg_town)))
