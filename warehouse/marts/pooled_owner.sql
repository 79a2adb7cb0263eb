-- Owners whose vehicles are shown as one sum with those of others in their town: those who are one person, and where a
-- town has but one or two of these, its smallest owners of fewer than ten vehicles, so that the sum is that of three.
-- Where they do not come to three, the town's own number is theirs: it is shown as one sum with that of other such
-- towns, or of the smallest (company_key = ''). As of today.
with
    truck as (
        select
            coalesce(v.town_code, '') as town_code,
            v.company_key,
            count(distinct v.vehicle_key) as vehicles,
            sum(count(distinct v.vehicle_key)) over (partition by v.company_key) as fleet
        from marts.dim_vehicle v
        join build.today t on t.day between v.from_day and v.to_day
        where v.status = '营运' and not v.is_trailer and v.company_key is not null
        group by 1, 2
    ),
    small as (
        select k.*, o.company_key is not null as is_person
        from truck k
        left join marts.one_person_owner o using (company_key)
        where k.town_code <> '' and (o.company_key is not null or k.fleet < 10)
    ),
    owner as (
        select
            *, row_number() over (partition by town_code order by is_person desc, fleet, vehicles, company_key) as rank
        from small
    ),
    town as (
        select town_code, count(*) as owners, bool_or(is_person) as has_person, has_person and owners < 3 as is_few
        from owner
        group by 1
    ),
    ranked as (
        select
            *,
            bool_or(is_few) over () as has_few,
            row_number() over (order by is_few desc, owners, town_code) as rank,
            sum(owners) over (
                order by is_few desc, owners, town_code rows between unbounded preceding and 1 preceding
            ) as before
        from town
    ),
    hidden as (select town_code from ranked where is_few or (has_few and (rank <= 2 or coalesce(before, 0) < 3)))
select town_code, company_key
from owner
join town using (town_code)
where is_person or (owner.rank <= 3 and (has_person or town_code in (select h.town_code from hidden h)))
union
-- who has no vehicle today may have had one
select coalesce(c.town_code, ''), p.company_key
from marts.one_person_owner p
left join marts.dim_company c using (company_key)
where p.company_key not in (select company_key from owner)
union
select town_code, ''
from hidden
