-- Vehicle checks with plate and colour normalised.
select
    check_id,
    vehicle_key(plate_norm(plate_no), plate_color_norm(plate_color)) as vehicle_key,
    person_key,
    check_type,
    checked_at,
    coalesce(complete, false) as complete
from raw.rdm_check
