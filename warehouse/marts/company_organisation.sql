-- Which organisations cover a company, from when to when: Party organisations (its own or joint ones), unions, youth,
-- women.
select distinct o.company_key, o.org_id, '党组织' as kind, o.org_type, n.name, o.is_own, o.from_day, o.to_day
from staging.stg_pb_org o
left join raw.pb_org n using (org_id)
where o.company_key is not null
union all
select distinct
    company_key,
    org_id,
    case org_type when '团' then '团组织' when '妇' then '妇女组织' else '工会' end,
    org_type,
    null,
    null,
    from_day,
    to_day
from staging.stg_un_org
