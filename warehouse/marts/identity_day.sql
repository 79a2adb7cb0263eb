-- Trips on which somebody was recognised at the wheel, by vehicle and day of the deciding record; a trip is decided
-- by its last record that says match or mismatch (a failed recognition decides nothing).
with
    decided as (
        select
            trip_id,
            vehicle_key(plate_norm(plate_no), plate_color_norm(plate_color)) as vehicle_key,
            cast(recognized_at as date) as day,
            result
        from raw.rdm_identity
        where result in ('match', 'mismatch')
        qualify row_number() over (partition by trip_id order by recognized_at desc, rec_id desc) = 1
    )
select vehicle_key, day, count(*) as trips, count(*) filter (result = 'match') as matched
from decided
group by all
