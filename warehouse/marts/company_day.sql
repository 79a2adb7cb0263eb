-- Every company known to the register on every day: fleet size and its place in the 50+ register. 50 counts, and a
-- company leaves only after 30 days below, so that the register does not flicker. Both 50s are kept: all trucks, and
-- heavy ones (statutory).
with
    near as (
        select distinct cast(day - to_days(cast(step as integer)) as date) as day
        from build.day
        cross join range(30) r(step)
    ),
    truck as (
        select company_key, from_day, to_day, is_heavy, is_over45
        from marts.dim_vehicle
        where status = '营运' and not is_trailer and company_key is not null
    ),
    counted as (
        select
            t.company_key,
            n.day,
            count(*) as v_cnt,
            count(*) filter (t.is_heavy) as vh_cnt,
            count(*) filter (t.is_over45) as v45_cnt
        from near n
        join truck t on n.day between t.from_day and t.to_day
        group by 1, 2
    ),
    padded as (
        -- a company without a truck today may have had fifty last week
        select
            company_key,
            day,
            coalesce(c.v_cnt, 0) as v_cnt,
            coalesce(c.vh_cnt, 0) as vh_cnt,
            coalesce(c.v45_cnt, 0) as v45_cnt
        from (select distinct company_key from truck)
        cross join near
        left join counted c using (company_key, day)
    ),
    sized as (
        select *, max(v_cnt) over month >= 50 as has_fifty, max(vh_cnt) over month >= 50 as has_fifty_heavy
        from padded
        window month as (partition by company_key order by day range between interval 29 days preceding and current row)
    ),
    known as (select b.day, p.* from build.day b join marts.company_span p on b.day between p.from_day and p.to_day)
select
    coalesce(k.company_key, s.company_key) as company_key,
    coalesce(k.day, s.day) as day,
    coalesce(k.town_code, '330110000') as town_code,
    coalesce(k.owner_type, '未知') as owner_type,
    coalesce(s.v_cnt, 0) as v_cnt,
    coalesce(s.vh_cnt, 0) as vh_cnt,
    coalesce(s.v45_cnt, 0) as v45_cnt,
    coalesce(k.is_licensed, false) as is_licensed,
    coalesce(k.is_licensed and s.has_fifty, false) as is_reg50,
    coalesce(k.is_licensed and s.has_fifty_heavy, false) as is_reg50_heavy
from known k
full join
    (select * from sized where day in (select day from build.day)) s on s.company_key = k.company_key and s.day = k.day
where k.company_key is not null or s.v_cnt > 0
