-- Spells during which a vehicle holds a road transport permit (道路运输证), overlapping certificates joined; fillers and
-- cancelled ones are none (D15). At most one spell holds any day.
WITH held AS (
    SELECT DISTINCT vehicle_key(plate_norm(split_part(holder_key, '#', 1)), plate_color_norm(TRY_CAST(split_part(holder_key, '#', 2) AS SMALLINT))) AS vehicle_key,
        from_day, to_day
    FROM staging.stg_yz_certificate WHERE cert_type = 'YSZ' AND NOT is_filler AND coalesce(status, '有效') <> '注销'
), marked AS (
    SELECT *, max(to_day) OVER (PARTITION BY vehicle_key ORDER BY from_day, to_day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
    FROM held WHERE from_day <= to_day
), numbered AS (
    SELECT *, sum(CASE WHEN reached >= from_day THEN 0 ELSE 1 END) OVER (PARTITION BY vehicle_key ORDER BY from_day, to_day) AS spell FROM marked
)
SELECT vehicle_key, min(from_day) AS from_day, max(to_day) AS to_day FROM numbered GROUP BY vehicle_key, spell
