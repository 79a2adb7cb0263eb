-- Every company known to the register on every day: fleet size and its place in the 50+ register. 50 counts, and a company
-- leaves only after 30 days below, so that the register does not flicker. Both 50s are kept: all trucks, and heavy ones (statutory).
WITH near AS (
    SELECT DISTINCT CAST(day - to_days(CAST(step AS INTEGER)) AS DATE) AS day FROM build.day CROSS JOIN range(30) r(step)
), truck AS (
    SELECT company_key, from_day, to_day, is_heavy, is_over45 FROM marts.dim_vehicle WHERE status = '营运' AND NOT is_trailer AND company_key IS NOT NULL
), counted AS (
    SELECT t.company_key, n.day, count(*) AS v_cnt, count(*) FILTER (t.is_heavy) AS vh_cnt, count(*) FILTER (t.is_over45) AS v45_cnt
    FROM near n JOIN truck t ON n.day BETWEEN t.from_day AND t.to_day GROUP BY 1, 2
), padded AS (
    -- a company without a truck today may have had fifty last week
    SELECT company_key, day, coalesce(c.v_cnt, 0) AS v_cnt, coalesce(c.vh_cnt, 0) AS vh_cnt, coalesce(c.v45_cnt, 0) AS v45_cnt
    FROM (SELECT DISTINCT company_key FROM truck) CROSS JOIN near LEFT JOIN counted c USING (company_key, day)
), sized AS (
    SELECT *, max(v_cnt) OVER month >= 50 AS has_fifty, max(vh_cnt) OVER month >= 50 AS has_fifty_heavy FROM padded
    WINDOW month AS (PARTITION BY company_key ORDER BY day RANGE BETWEEN INTERVAL 29 DAYS PRECEDING AND CURRENT ROW)
), known AS (
    SELECT b.day, p.* FROM build.day b JOIN marts.company_span p ON b.day BETWEEN p.from_day AND p.to_day
)
SELECT coalesce(k.company_key, s.company_key) AS company_key, coalesce(k.day, s.day) AS day, coalesce(k.town_code, '330110000') AS town_code,
    coalesce(k.owner_type, '未知') AS owner_type, coalesce(s.v_cnt, 0) AS v_cnt, coalesce(s.vh_cnt, 0) AS vh_cnt, coalesce(s.v45_cnt, 0) AS v45_cnt,
    coalesce(k.is_licensed, false) AS is_licensed, coalesce(k.is_licensed AND s.has_fifty, false) AS is_reg50, coalesce(k.is_licensed AND s.has_fifty_heavy, false) AS is_reg50_heavy
FROM known k FULL JOIN (SELECT * FROM sized WHERE day IN (SELECT day FROM build.day)) s ON s.company_key = k.company_key AND s.day = k.day
WHERE k.company_key IS NOT NULL OR s.v_cnt > 0
