-- Trips on which somebody was recognised at the wheel, by vehicle and day of the deciding record; a trip is decided by its
-- last record that says match or mismatch (a failed recognition decides nothing).
WITH decided AS (
    SELECT trip_id, vehicle_key(plate_norm(plate_no), plate_color_norm(plate_color)) AS vehicle_key, CAST(recognized_at AS DATE) AS day, result
    FROM raw.rdm_identity WHERE result IN ('match', 'mismatch')
    QUALIFY row_number() OVER (PARTITION BY trip_id ORDER BY recognized_at DESC, rec_id DESC) = 1
)
SELECT vehicle_key, day, count(*) AS trips, count(*) FILTER (result = 'match') AS matched FROM decided GROUP BY ALL
