-- The deciding (last) step of each alarm's handling.
select alarm_uid, result, reason, handled_at, action
from raw.rdm_alarm_handle
qualify row_number() over (partition by alarm_uid order by step desc, _version desc, _seq desc, _row desc) = 1
