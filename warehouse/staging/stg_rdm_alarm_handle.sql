-- The deciding (last) step of each alarm's handling.
SELECT alarm_uid, result, reason, handled_at, action FROM raw.rdm_alarm_handle
QUALIFY row_number() OVER (PARTITION BY alarm_uid ORDER BY step DESC, _version DESC, _seq DESC, _row DESC) = 1
