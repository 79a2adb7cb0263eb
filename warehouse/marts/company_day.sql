-- Fleet size of every company on every day and its place in the 50+ register: 50 counts, and a company leaves only after
-- 30 days below, so that the register does not flicker. Both 50s are kept: all trucks, and heavy ones (statutory).
WITH counted AS (
    SELECT company_key, day, count(*) FILTER (is_v) AS v_cnt, count(*) FILTER (is_vh) AS vh_cnt, count(*) FILTER (is_v45) AS v45_cnt
    FROM marts.vehicle_day WHERE company_key IS NOT NULL GROUP BY 1, 2
)
SELECT c.company_key, n.day, coalesce(k.town_code, '330110000') AS town_code, coalesce(k.owner_type, '未知') AS owner_type, n.v_cnt, n.vh_cnt, n.v45_cnt,
    max(n.v_cnt) OVER recent >= 50 AS is_reg50, max(n.vh_cnt) OVER recent >= 50 AS is_reg50_heavy,
    n.day BETWEEN k.from_day AND least(k.licence_to, coalesce(k.closed_day - 1, DATE '9999-12-31')) AS is_licensed
FROM (SELECT DISTINCT company_key FROM counted) c JOIN counted n USING (company_key) LEFT JOIN marts.dim_company k USING (company_key)
WINDOW recent AS (PARTITION BY n.company_key ORDER BY n.day RANGE BETWEEN INTERVAL 29 DAYS PRECEDING AND CURRENT ROW)
