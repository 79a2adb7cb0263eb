-- A row is a company whose fleet is nearest in size to that of another, on their newest day, the nearest first.
-- Individual operators, who are persons, are nobody's peers.
-- $company: the other's key; $most: rows at most.
with
    newest as (
        select c.company_key, c.v_cnt
        from marts.company_day c
        join marts.dim_company d using (company_key)
        where d.owner_type <> '个体' or c.company_key = $company
        qualify row_number() over (partition by c.company_key order by c.day desc) = 1
    ),
    own as (select v_cnt from newest where company_key = $company)
select n.company_key
from newest n
cross join own o
where n.company_key <> $company and n.v_cnt > 0
order by abs(n.v_cnt - o.v_cnt), n.company_key
limit $most
