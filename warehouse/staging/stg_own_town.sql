-- Every spelling of a town that sources use, and the code it stands for today (D12).
SELECT DISTINCT spelling, code FROM (
    SELECT code AS spelling, coalesce(nullif(successor, ''), code) AS code FROM raw.own_town
    UNION ALL SELECT name, code FROM raw.own_town
    UNION ALL SELECT unnest(string_split(aliases, ';')), code FROM raw.own_town WHERE aliases IS NOT NULL
) WHERE spelling IS NOT NULL AND spelling <> ''
