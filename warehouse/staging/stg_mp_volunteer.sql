-- Verified volunteer hours of a person and day (D20): activities called off, ends before beginnings and unverified records are
-- left out, overlapping records of one person count once, more than twelve hours a day are cut.
WITH record AS (
    SELECT r.rec_id, coalesce(r.person_key, u.person_key) AS person_key, coalesce(r.person_key, u.person_key, r.user_id) AS who, r.start_at, r.end_at,
        r.end_at <= r.start_at AS is_backwards, coalesce(a.status, '正常') = '取消' AS is_called_off, coalesce(r.verified, false) AS is_verified
    FROM raw.mp_volunteer_record r LEFT JOIN staging.stg_mp_user u USING (user_id) LEFT JOIN raw.mp_volunteer_activity a USING (act_id) WHERE r._deleted_at IS NULL
), reached AS (
    SELECT *, max(end_at) OVER (PARTITION BY who ORDER BY start_at, end_at, rec_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS until
    FROM record WHERE is_verified AND NOT is_backwards AND NOT is_called_off AND who IS NOT NULL
), numbered AS (
    SELECT *, until > start_at AS is_overlap, sum(CASE WHEN until >= start_at THEN 0 ELSE 1 END) OVER (PARTITION BY who ORDER BY start_at, end_at, rec_id) AS spell FROM reached
), merged AS (
    SELECT who, any_value(person_key) AS person_key, min(start_at) AS start_at, max(end_at) AS end_at, count(*) FILTER (is_overlap) AS overlap_cnt FROM numbered GROUP BY who, spell
)
SELECT who, any_value(person_key) AS person_key, CAST(start_at AS DATE) AS day, least(12, sum(epoch(end_at - start_at)) / 3600) AS hours,
    sum(epoch(end_at - start_at)) > 12 * 3600 AS is_cut, sum(overlap_cnt) AS overlap_cnt
FROM merged GROUP BY who, CAST(start_at AS DATE)
