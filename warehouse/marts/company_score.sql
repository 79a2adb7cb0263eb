-- The 100-point table of the 2016 rule by company for each ISO week and month (reference only: the rule is written for
-- passenger and hazmat fleets). Relative items: clamp(10·(2A−x)/A, 0, 20); A = the district's mean of the same class and
-- window up to yesterday, kept beside the score; A = 0 gives 20 when x = 0, else 0. Items without data leave the sum, which is scaled to 100.
WITH framed AS (
    SELECT 'week' AS win, CAST(date_trunc('week', day) AS DATE) AS win_start, * FROM marts.vehicle_day WHERE is_v AND day < (SELECT day FROM build.today)
        AND CAST(date_trunc('week', day) AS DATE) IN (SELECT day FROM build.day)
    UNION ALL SELECT 'month', CAST(date_trunc('month', day) AS DATE), * FROM marts.vehicle_day WHERE is_v AND day < (SELECT day FROM build.today)
        AND CAST(date_trunc('month', day) AS DATE) IN (SELECT day FROM build.day)
), base AS (
    SELECT win, win_start, company_key, max(vehicle_class) AS vehicle_class,
        count(DISTINCT vehicle_key) FILTER (is_vh) AS vh, count(DISTINCT vehicle_key) FILTER (is_networked) AS vn,
        count(DISTINCT vehicle_key) FILTER (is_networked AND NOT is_stopped) AS vn_active,
        count(DISTINCT vehicle_key) FILTER (is_networked AND is_online AND NOT is_stopped) AS online_vn,
        count(DISTINCT vehicle_key) FILTER (is_online) AS online, count(DISTINCT vehicle_key) FILTER (drift_pts >= 2) AS drift,
        sum(km_total) FILTER (is_networked) AS km_total, sum(km_complete) FILTER (is_networked) AS km_complete, sum(pts) AS pts, sum(pts_ok) AS pts_ok,
        sum(overspeed_cnt) AS overspeed, sum(fatigue_s) AS fatigue
    FROM framed WHERE company_key IS NOT NULL GROUP BY 1, 2, 3
), checked AS (
    SELECT win, win_start, company_key, count(*) AS sent, count(*) FILTER (is_answered) AS answered FROM (
        SELECT 'week' AS win, CAST(date_trunc('week', day) AS DATE) AS win_start, * FROM marts.post_check WHERE due_at < (SELECT day FROM build.today)
        UNION ALL SELECT 'month', CAST(date_trunc('month', day) AS DATE), * FROM marts.post_check WHERE due_at < (SELECT day FROM build.today)
    ) WHERE company_key IS NOT NULL GROUP BY 1, 2, 3
), mean AS (
    SELECT win, win_start, vehicle_class, sum(overspeed) / nullif(sum(online), 0) AS overspeed_a, sum(fatigue) / nullif(sum(online), 0) AS fatigue_a
    FROM base GROUP BY 1, 2, 3
), item AS (
    SELECT b.*, m.overspeed_a, m.fatigue_a, c.sent, c.answered,
        CASE WHEN vn / nullif(vh, 0) < 0.9 THEN 0 ELSE 5 * vn / nullif(vh, 0) END AS network_pts,
        5 * online_vn / nullif(vn_active, 0) AS online_pts,
        CASE WHEN km_complete / nullif(km_total, 0) < 0.7 THEN 0 ELSE 15 * km_complete / nullif(km_total, 0) END AS track_pts,
        CASE WHEN pts_ok / nullif(pts, 0) < 0.8 THEN 0 ELSE 15 * pts_ok / nullif(pts, 0) END AS qualified_pts,
        CASE WHEN drift / nullif(online, 0) > 0.05 THEN 0 ELSE 10 * (1 - drift / nullif(online, 0)) END AS drift_item_pts,
        CASE WHEN online = 0 THEN NULL WHEN overspeed_a = 0 THEN 20 ELSE greatest(0, least(20, 10 * (2 * overspeed_a - overspeed / online) / overspeed_a)) END AS overspeed_pts,
        CASE WHEN online = 0 THEN NULL WHEN fatigue_a = 0 THEN 20 ELSE greatest(0, least(20, 10 * (2 * fatigue_a - fatigue / online) / fatigue_a)) END AS fatigue_pts,
        10 * answered / nullif(sent, 0) AS post_pts
    FROM base b LEFT JOIN mean m USING (win, win_start, vehicle_class) LEFT JOIN checked c USING (win, win_start, company_key)
), summed AS (
    SELECT *, list_sum(list_filter([network_pts, online_pts, track_pts, qualified_pts, drift_item_pts, overspeed_pts, fatigue_pts, post_pts], lambda x: x IS NOT NULL)) AS got,
        CASE WHEN network_pts IS NULL THEN 0 ELSE 5 END + CASE WHEN online_pts IS NULL THEN 0 ELSE 5 END + CASE WHEN track_pts IS NULL THEN 0 ELSE 15 END
        + CASE WHEN qualified_pts IS NULL THEN 0 ELSE 15 END + CASE WHEN drift_item_pts IS NULL THEN 0 ELSE 10 END + CASE WHEN overspeed_pts IS NULL THEN 0 ELSE 20 END
        + CASE WHEN fatigue_pts IS NULL THEN 0 ELSE 20 END + CASE WHEN post_pts IS NULL THEN 0 ELSE 10 END AS full_pts
    FROM item
)
SELECT s.win, s.win_start, s.win_start AS day, s.company_key, coalesce(c.town_code, '330110000') AS town_code, s.vn AS weight,
    round(100 * s.got / nullif(s.full_pts, 0), 2) AS score, round(s.network_pts, 2) AS network_pts, round(s.online_pts, 2) AS online_pts,
    round(s.track_pts, 2) AS track_pts, round(s.qualified_pts, 2) AS qualified_pts, round(s.drift_item_pts, 2) AS drift_pts,
    round(s.overspeed_pts, 2) AS overspeed_pts, round(s.fatigue_pts, 2) AS fatigue_pts, round(s.post_pts, 2) AS post_pts, s.overspeed_a, s.fatigue_a
FROM summed s LEFT JOIN marts.dim_company c USING (company_key) WHERE s.vn > 0 AND s.full_pts >= 60
