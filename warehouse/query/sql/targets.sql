-- A row is the target of an indicator for a period. green, amber: in the unit of the indicator, amber NULL without one;
-- progress: linear for one that grows with time. basis: on whose authority it stands; confirmed_by, confirmed_at: who
-- made a proposal the bureau's own, NULL otherwise. A table from before targets had a basis says it in
-- `source`.
select
    kpi_id,
    period,
    green,
    amber,
    coalesce(json_extract_string(to_json(t), '$.basis'), if(contains(source, '产品建议'), '产品建议', '本局')) as basis,
    source,
    progress,
    json_extract_string(to_json(t), '$.confirmed_by') as confirmed_by,
    cast(json_extract_string(to_json(t), '$.confirmed_at') as date) as confirmed_at
from meta.target as t
