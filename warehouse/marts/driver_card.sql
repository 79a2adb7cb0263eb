-- Who a driver is, as far as anybody may be told: a masked name and the papers, nothing that identifies. Restricted.
select
    d.person_key,
    d.name_mask,
    d.licence_class,
    d.licence_to,
    d.integrity_grade,
    d.integrity_to,
    c.to_day as qualified_to
from raw.yz_driver d
left join
    (
        select holder_key, max(to_day) as to_day
        from staging.stg_yz_certificate
        where cert_type = 'CYZG' and is_current and not is_filler and coalesce(status, '有效') <> '注销'
        group by 1
    ) c
    on c.holder_key = d.person_key
where d._deleted_at is null
