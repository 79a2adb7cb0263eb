-- Owners with one driver, or with one vehicle at most: what is known of such a vehicle is known of a person. Of many
-- vehicles whose drivers nobody has registered nothing follows about a person. One row a company that has either.
with
    drivers as (
        select s.company_key, count(distinct s.person_key) as persons
        from marts.driver_span s
        join build.today t on t.day between s.from_day and s.to_day
        group by 1
    ),
    trucks as (
        select v.company_key, count(distinct v.vehicle_key) as vehicles
        from marts.dim_vehicle v
        join build.today t on t.day between v.from_day and v.to_day
        where v.status = '营运' and not v.is_trailer
        group by 1
    )
select company_key
from drivers
full join trucks using (company_key)
where company_key is not null and (persons = 1 or coalesce(vehicles, 0) <= 1)
