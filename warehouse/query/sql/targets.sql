-- A row is the target of an indicator for a period. green, amber: in the unit of the indicator, amber NULL without one;
-- progress: linear for one that grows with time. basis: on whose authority it stands; confirmed_by, confirmed_at: who
-- made a proposal the bureau's own or set it, NULL otherwise. town: the name of the one it is for, '' for the district
-- and all of them; valid_from, valid_to: days, both inclusive, NULL without that end. A table from before targets had a
-- basis says it in `source`.
select
    kpi_id,
    period,
    green,
    amber,
    coalesce(json_extract_string(to_json(t), '$.basis'), if(contains(source, '产品建议'), '产品建议', '本局')) as basis,
    source,
    progress,
    json_extract_string(to_json(t), '$.confirmed_by') as confirmed_by,
    cast(json_extract_string(to_json(t), '$.confirmed_at') as date) as confirmed_at,
    coalesce(json_extract_string(to_json(t), '$.town'), '') as town,
    cast(json_extract_string(to_json(t), '$.valid_from') as date) as valid_from,
    cast(json_extract_string(to_json(t), '$.valid_to') as date) as valid_to
from meta.target as t
