-- Activities of Party organisations, at the site's town or else the company's.
SELECT a.act_id, CAST(a.held_at AS DATE) AS day, a.act_type, a.site_id, k.company_key, coalesce(s.town_code, c.town_code, '') AS town_code,
    coalesce(a.attend_cnt, 0) AS attend_cnt, coalesce(a.book_cnt, 0) AS book_cnt
FROM raw.pb_activity a LEFT JOIN staging.stg_pb_company k ON k.written = code_norm(a.uscc)
LEFT JOIN staging.stg_st_site s ON s.site_id = a.site_id AND s.is_current
LEFT JOIN marts.company_span c ON c.company_key = k.company_key AND CAST(a.held_at AS DATE) BETWEEN c.from_day AND c.to_day
WHERE a._deleted_at IS NULL
