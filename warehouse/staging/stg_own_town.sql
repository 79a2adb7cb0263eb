-- Every spelling of a town that sources use, and the code it stands for today (D12).
select distinct spelling, code
from
    (
        select code as spelling, coalesce(nullif(successor, ''), code) as code
        from raw.own_town
        union all
        select name, code
        from raw.own_town
        union all
        select unnest(string_split(aliases, ';')), code
        from raw.own_town
        where aliases is not null
    )
where spelling is not null and spelling <> ''
