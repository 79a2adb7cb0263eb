-- The field's text and place rules as DuckDB macros: the same words in load checks and in staging models.
-- Made anew at every open, so the SQL of a model runs by pasting it.
-- What a macro is given is written out wherever its name stands and planned there each time: what is long and needed
-- more than once gets a name by a list of one, list_transform([long], lambda name: …)[1].
-- Full-width letters, digits and brackets to half-width, upper case, no blanks (D02, D13). Never for people's names.
CREATE OR REPLACE TEMP MACRO code_norm(x) AS upper(regexp_replace(translate(x,
    '０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ（）＿　',
    '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz()_ '), '[\s\x{200b}\x{feff}]', '', 'g'));

-- Lists are asked by list_contains: DuckDB makes a join of a long IN, and a payload has dozens of such cells.
-- Fillers that mean "nothing" (D15).
CREATE OR REPLACE TEMP MACRO is_filler(x) AS list_contains(['', '无', '/', '／', '-', '－', '—', '——', '暂无', '未知', 'NULL', 'null', 'N/A', 'n/a'], x);
CREATE OR REPLACE TEMP MACRO no_filler(x) AS CASE WHEN is_filler(trim(x)) THEN NULL ELSE trim(x) END;
CREATE OR REPLACE TEMP MACRO no_filler_date(d) AS CASE WHEN d IN (DATE '1900-01-01', DATE '9999-12-31', DATE '1970-01-01') THEN NULL ELSE d END;
-- Words in a cell of a date or a number that are no fault: fillers, and those that say that there is no end (长期).
CREATE OR REPLACE TEMP MACRO says_nothing(x) AS is_filler(x) OR list_contains(['长期', '长期有效', '永久', '永久有效', '无固定期限'], x);
-- What a spreadsheet shows where a formula failed, and our own word for one whose value was not stored.
CREATE OR REPLACE TEMP MACRO is_cell_error(x) AS list_contains(['#N/A', '#REF!', '#VALUE!', '#DIV/0!', '#NAME?', '#NUM!', '#NULL!', '#SPILL!', '#CALC!', '#公式无值'], x);
-- Yes and no as people tick it.
CREATE OR REPLACE TEMP MACRO as_boolean(x) AS CASE WHEN list_contains(['是', '有', '对', '√', '✓', '✔', '☑', 'y', 'yes', 't', 'true', '1', '1.0'], lower(x)) THEN true
    WHEN list_contains(['否', '无', '不', '错', '×', '✗', '✘', '☐', 'n', 'no', 'f', 'false', '0', '0.0'], lower(x)) THEN false END;
-- Minutes a day that a site's hours (08:00-20:00, 24小时) promise; NULL where they cannot be read. Past midnight counts.
CREATE OR REPLACE TEMP MACRO clock_minutes(x, n) AS TRY_CAST(regexp_extract(x, '(\d{1,2})[:：](\d{2})\D+(\d{1,2})[:：](\d{2})', n) AS INTEGER);
CREATE OR REPLACE TEMP MACRO open_minutes(x) AS CASE WHEN regexp_matches(x, '24 ?(小时|h)|全天') THEN 1440
    ELSE ((clock_minutes(x, 3) * 60 + clock_minutes(x, 4) - clock_minutes(x, 1) * 60 - clock_minutes(x, 2)) + 1440) % 1440 END;
-- How the text of a landed cell becomes a value of its column; NULL = it is none, and the row goes to quarantine.
-- A number that is none (NaN, inf, 1e400) would make every sum over it one.
CREATE OR REPLACE TEMP MACRO as_number(x) AS CASE WHEN isfinite(TRY_CAST(x AS DOUBLE)) THEN TRY_CAST(x AS DOUBLE) END;
-- 93.0 from a spreadsheet is 93, 93.5 is an error. Digits never pass through a double; an exponent says that they
-- did, and from 10^15 on some are gone.
CREATE OR REPLACE TEMP MACRO as_whole(x) AS CASE WHEN regexp_full_match(x, '[+-]?\d+([.]0*)?') THEN TRY_CAST(x AS BIGINT)
    WHEN abs(TRY_CAST(x AS DOUBLE)) < 1e15 AND TRY_CAST(x AS DOUBLE) = floor(TRY_CAST(x AS DOUBLE)) THEN TRY_CAST(TRY_CAST(x AS DOUBLE) AS BIGINT) END;
-- A code that went through a number cell: the rest of its digits is gone.
CREATE OR REPLACE TEMP MACRO is_cut_short(x) AS CASE WHEN contains(x, '+') THEN regexp_full_match(trim(x), '[+-]?\d([.]\d+)?[Ee][+]\d+') ELSE false END;
-- Shanghai wall time, of an instant that states its offset too. Begins with a digit: 'epoch' and 'infinity' are words
-- of the database. Beyond 1900 to 2200 nobody means a date, but for the filler 9999-12-31 (D15). ICU is slow and
-- knows fewer shapes, so it sees only what states another offset.
CREATE OR REPLACE TEMP MACRO is_sane(t) AS t BETWEEN TIMESTAMP '1900-01-01' AND TIMESTAMP '2200-12-31' OR CAST(t AS DATE) = DATE '9999-12-31';
CREATE OR REPLACE TEMP MACRO offset_pattern() AS '(?i)^(\d{4}\D\d{1,2}\D\d{1,2}.*?) ?(Z|UTC|GMT|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)$';
CREATE OR REPLACE TEMP MACRO moment_of(x, stated) AS CASE
    WHEN NOT regexp_matches(x, '^\d') OR regexp_matches(x, ':\d+.*[+-](\d|1[5-9]|[2-9]\d)(:?\d{2})?$') THEN NULL
    WHEN regexp_matches(x, '\d ?[+]08(:?00)?$') THEN TRY_CAST(regexp_replace(x, ' ?[+]08(:?00)?$', '') AS TIMESTAMP)
    WHEN stated.zone <> '' THEN CAST(coalesce(TRY_CAST(x AS TIMESTAMPTZ), TRY_CAST(strftime(TRY_CAST(stated.wall AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%f')
        || regexp_replace(stated.zone, '(?i)Z|UTC|GMT', '+00') AS TIMESTAMPTZ)) AS TIMESTAMP)
    ELSE TRY_CAST(x AS TIMESTAMP) END;
CREATE OR REPLACE TEMP MACRO any_moment(x) AS list_filter(list_transform(
    [regexp_extract(x, offset_pattern(), ['wall', 'zone'])], lambda stated: moment_of(x, stated)), lambda t: is_sane(t))[1];
-- Nearly all stamps come in the plain form; only the others pay for the search for zones. To TRY_STRPTIME too 'epoch'
-- is a moment, so it sees only what begins as a year of ours.
CREATE OR REPLACE TEMP MACRO as_moment(x) AS coalesce(
    CASE WHEN x >= '19' AND x < '23' AND is_sane(TRY_STRPTIME(x, '%Y-%m-%d %H:%M:%S')) THEN TRY_STRPTIME(x, '%Y-%m-%d %H:%M:%S') END, any_moment(x));
-- How far two clocks may differ: what is stamped later than its arrival by more than this has not happened yet.
CREATE OR REPLACE TEMP MACRO clock_slack() AS INTERVAL 60 SECOND;

CREATE OR REPLACE TEMP MACRO is_plate(x) AS regexp_full_match(x,
    '[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9挂学]');

-- A plate as printed: separators and the colour inside the string removed, O/I after the city letter read as 0/1,
-- a lost 挂 put back on six-character plates (D02).
CREATE OR REPLACE TEMP MACRO plate_bare(x) AS regexp_replace(regexp_replace(code_norm(x), '[_(]?(渐变绿|黄绿|农黄|农绿|其他|[黄蓝绿黑白])色?牌?[)]?$', ''), '[·•.\-_ ]', '', 'g');
CREATE OR REPLACE TEMP MACRO plate_fixed(x) AS list_transform([plate_bare(x)], lambda bare: CASE
    WHEN regexp_matches(bare, '^[^A-Z0-9]') THEN substr(bare, 1, 2) || translate(substr(bare, 3), 'OI', '01') ELSE bare END)[1];
-- Nearly all plates are right as they come; only the others pay for the repair.
CREATE OR REPLACE TEMP MACRO plate_norm(x) AS CASE WHEN is_plate(x) THEN x ELSE list_transform([plate_fixed(x)], lambda fixed: CASE
    WHEN regexp_full_match(fixed, '[^A-Z0-9][A-Z][A-Z0-9]{4}') THEN fixed || '挂' ELSE fixed END)[1] END;

-- The town that a register names: ours by its code of today, another district's as it stands, else "no town" (D12).
CREATE OR REPLACE TEMP MACRO town_of(known, written) AS coalesce(known,
    CASE WHEN regexp_full_match(code_norm(written), '\d{6}(\d{3}|\d{6})?') AND NOT starts_with(code_norm(written), '330110') THEN code_norm(written) END, '330110000');
CREATE OR REPLACE TEMP MACRO is_our_town(code) AS starts_with(code, '330110');

-- Plate colours of JT/T 697.7-2014; 0x91–0x94 read as decimal are repaired by subtracting 54 (D03).
CREATE OR REPLACE TEMP MACRO is_plate_color(c) AS c IN (0, 1, 2, 3, 4, 5, 9, 91, 92, 93, 94);
CREATE OR REPLACE TEMP MACRO plate_color_norm(c) AS CASE WHEN c BETWEEN 145 AND 148 THEN c - 54 ELSE c END;
-- Codes of the toll system: 0 blue 1 yellow 2 black 3 white 4 gradient green. Only for platforms known to send them.
CREATE OR REPLACE TEMP MACRO plate_color_of(c, family) AS CASE WHEN family = '收费' THEN CASE c WHEN 0 THEN 1 WHEN 1 THEN 2 WHEN 2 THEN 3 WHEN 3 THEN 4 WHEN 4 THEN 94
    ELSE c END WHEN family = '十六进制' OR c NOT IN (145, 146, 147, 148) THEN plate_color_norm(c) ELSE c END;
CREATE OR REPLACE TEMP MACRO plate_color_name(c) AS CASE c WHEN 1 THEN '蓝' WHEN 2 THEN '黄' WHEN 3 THEN '黑' WHEN 4 THEN '白' WHEN 5 THEN '绿'
    WHEN 91 THEN '农黄' WHEN 92 THEN '农绿' WHEN 93 THEN '黄绿' WHEN 94 THEN '渐变绿' ELSE '其他' END;
CREATE OR REPLACE TEMP MACRO vehicle_key(plate, color) AS plate || '#' || color;
-- What a screen for many eyes may show of a plate: first two characters, first and last two of the rest.
CREATE OR REPLACE TEMP MACRO plate_mask(key) AS CASE WHEN key IS NULL THEN '' ELSE
    substr(split_part(key, '#', 1), 1, 2) || '·' || substr(split_part(key, '#', 1), 3, 1) || '**' || right(split_part(key, '#', 1), 2)
    || ' ' || plate_color_name(TRY_CAST(split_part(key, '#', 2) AS SMALLINT)) END;

-- What an individual operator is called: the first character of the name behind where it is, and the end of the number.
CREATE OR REPLACE TEMP MACRO operator_mask(name, key) AS
    left(coalesce(nullif(regexp_replace(name, '^(浙江省?)?(杭州市?)?(余杭区?)?', ''), ''), name), 1) || '**（个体 ' || right(key, 4) || '）';

-- Great-circle distance in km of two WGS-84 points in degrees (mean earth radius 6371.0088 km); NULL where one is NULL.
CREATE OR REPLACE TEMP MACRO haversine(lon1, lat1, lon2, lat2) AS
    pow(sin(radians(lat2 - lat1) / 2), 2) + cos(radians(lat1)) * cos(radians(lat2)) * pow(sin(radians(lon2 - lon1) / 2), 2);
CREATE OR REPLACE TEMP MACRO distance_km(lon1, lat1, lon2, lat2) AS 2 * 6371.0088 * atan2(
    sqrt(haversine(lon1, lat1, lon2, lat2)), sqrt(abs(1 - haversine(lon1, lat1, lon2, lat2))));

-- How far a vehicle can have come in s seconds by what is known of it, in km. most_kmh: the speed that no truck drives;
-- counter_km: what its counter went on by; speed_kmh: the greater of the speeds it reported at both ends, which tells
-- something of two minutes at most. A witness that is NULL says nothing. The margins are those of the instruments:
-- half a kilometre of place, two kilometres of a counter that goes on in whole ones.
CREATE OR REPLACE TEMP MACRO reach_km(s, most_kmh, counter_km, speed_kmh) AS least(
    0.5 + most_kmh * s / 3600,
    2 + 1.5 * abs(counter_km),
    CASE WHEN s <= 120 AND speed_kmh IS NOT NULL THEN 0.5 + 1.5 * greatest(speed_kmh, 20) * s / 3600 END);

-- How far places spread about their middle, in km, from the standard deviations of their degrees.
CREATE OR REPLACE TEMP MACRO spread_km(lon_deg, lat_deg, lat) AS 111.195 * sqrt(pow(lon_deg * cos(radians(lat)), 2) + pow(lat_deg, 2));

-- Offset of GCJ-02 from WGS-84 in degrees, the public approximation (good to 1–2 m after one inversion step).
CREATE OR REPLACE TEMP MACRO gcj_dlat(x, y) AS (-100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    + (20.0 * sin(6.0 * x * pi()) + 20.0 * sin(2.0 * x * pi())) * 2.0 / 3.0 + (20.0 * sin(y * pi()) + 40.0 * sin(y / 3.0 * pi())) * 2.0 / 3.0
    + (160.0 * sin(y / 12.0 * pi()) + 320.0 * sin(y * pi() / 30.0)) * 2.0 / 3.0);
CREATE OR REPLACE TEMP MACRO gcj_dlon(x, y) AS (300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    + (20.0 * sin(6.0 * x * pi()) + 20.0 * sin(2.0 * x * pi())) * 2.0 / 3.0 + (20.0 * sin(x * pi()) + 40.0 * sin(x / 3.0 * pi())) * 2.0 / 3.0
    + (150.0 * sin(x / 12.0 * pi()) + 300.0 * sin(x / 30.0 * pi())) * 2.0 / 3.0);
CREATE OR REPLACE TEMP MACRO gcj_magic(lat) AS 1 - 0.00669342162296594323 * pow(sin(radians(lat)), 2);
CREATE OR REPLACE TEMP MACRO wgs_lat(lon, lat) AS lat - gcj_dlat(lon - 105.0, lat - 35.0) * 180.0
    / ((6378245.0 * (1 - 0.00669342162296594323)) / (gcj_magic(lat) * sqrt(gcj_magic(lat))) * pi());
CREATE OR REPLACE TEMP MACRO wgs_lon(lon, lat) AS lon - gcj_dlon(lon - 105.0, lat - 35.0) * 180.0
    / (6378245.0 / sqrt(gcj_magic(lat)) * cos(radians(lat)) * pi());

-- A place as GCJ-02 and as BD-09 writes it, and the other way: the WGS-84 place of one that is written in `datum`,
-- found
-- by going back from what a guess would be written as (each round leaves a hundredth of the error). Places are
-- structs of
-- lon, lat in degrees; a datum that is NULL or WGS-84 changes nothing.
CREATE OR REPLACE TEMP MACRO gcj_of(p) AS struct_pack(lon := 2 * p.lon - wgs_lon(p.lon, p.lat), lat := 2 * p.lat - wgs_lat(p.lon, p.lat));
CREATE OR REPLACE TEMP MACRO bd_radius(p) AS sqrt(p.lon * p.lon + p.lat * p.lat) + 0.00002 * sin(radians(p.lat * 3000));
CREATE OR REPLACE TEMP MACRO bd_angle(p) AS atan2(p.lat, p.lon) + 0.000003 * cos(radians(p.lon * 3000));
CREATE OR REPLACE TEMP MACRO bd_of(p) AS struct_pack(lon := bd_radius(p) * cos(bd_angle(p)) + 0.0065, lat := bd_radius(p) * sin(bd_angle(p)) + 0.006);
CREATE OR REPLACE TEMP MACRO written_in(datum, p) AS CASE datum WHEN 'GCJ-02' THEN gcj_of(p)
    WHEN 'BD-09' THEN list_transform([gcj_of(p)], lambda g: bd_of(g))[1] ELSE p END;
CREATE OR REPLACE TEMP MACRO place(x, y) AS struct_pack(lon := CAST(x AS DOUBLE), lat := CAST(y AS DOUBLE));
CREATE OR REPLACE TEMP MACRO wgs_place(datum, x, y) AS CASE WHEN datum IN ('GCJ-02', 'BD-09') AND x IS NOT NULL AND y IS NOT NULL THEN list_reduce(
    list_value(place(x, y), place(x, y), place(x, y), place(x, y), place(x, y)),
    lambda p, t: list_transform([written_in(datum, p)], lambda w: place(p.lon + t.lon - w.lon, p.lat + t.lat - w.lat))[1]) ELSE place(x, y) END;

-- Unified social credit code by GB 32100-2015: alphabet without I, O, S, V, Z and a check character (weights 3^i mod
-- 31).
CREATE OR REPLACE TEMP MACRO uscc_value(c) AS position(c IN '0123456789ABCDEFGHJKLMNPQRTUWXY') - 1;
CREATE OR REPLACE TEMP MACRO is_uscc(x) AS regexp_full_match(x, '[0-9A-HJ-NPQRTUWXY]{18}') AND uscc_value(substr(x, 18, 1)) = (31 - (
    uscc_value(substr(x, 1, 1)) + 3 * uscc_value(substr(x, 2, 1)) + 9 * uscc_value(substr(x, 3, 1)) + 27 * uscc_value(substr(x, 4, 1)) + 19 * uscc_value(substr(x, 5, 1))
    + 26 * uscc_value(substr(x, 6, 1)) + 16 * uscc_value(substr(x, 7, 1)) + 17 * uscc_value(substr(x, 8, 1)) + 20 * uscc_value(substr(x, 9, 1)) + 29 * uscc_value(substr(x, 10, 1))
    + 25 * uscc_value(substr(x, 11, 1)) + 13 * uscc_value(substr(x, 12, 1)) + 8 * uscc_value(substr(x, 13, 1)) + 24 * uscc_value(substr(x, 14, 1)) + 10 * uscc_value(substr(x, 15, 1))
    + 30 * uscc_value(substr(x, 16, 1)) + 28 * uscc_value(substr(x, 17, 1))) % 31) % 31;

-- What an alarm is, and when somebody has dealt with it: the one definition for indicators, wall and open alarms.
-- Active safety: events (code from 16 on) and end marks (flag 2) are no alarms (T/JSATL 12-2017).
CREATE OR REPLACE TEMP MACRO is_active_alarm(code, flag) AS code < 16 AND flag IS DISTINCT FROM 2;
-- A speeding reported again within a minute of the last report's end is the same event (2016 rule); gap NULL = the
-- first one.
CREATE OR REPLACE TEMP MACRO is_same_event(warn_type, gap) AS warn_type = 1 AND coalesce(gap <= INTERVAL 60 SECOND, false);
-- 1 where a report begins an event of its own, 0 where it goes on with one of the same vehicle and type: what counts is
-- the latest end of any earlier one. Of the rows that the SELECT around it sees.
CREATE OR REPLACE TEMP MACRO begins_event(vehicle, warn_type, uid, begun, ended) AS CASE WHEN is_same_event(warn_type,
    begun - max(coalesce(ended, begun)) OVER (PARTITION BY vehicle, warn_type ORDER BY begun, uid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) THEN 0 ELSE 1 END;
-- Level 2, or a type the bureau has set to be due.
CREATE OR REPLACE TEMP MACRO alarm_must_handle(level, is_type_due) AS coalesce(level = 2, false) OR coalesce(is_type_due, false);
-- The deciding step: 1 done, or 2 not to be handled with a reason (JT/T 809 1403). 0 and 3 are under way; 2 without a
-- reason is nothing.
CREATE OR REPLACE TEMP MACRO alarm_is_handled(result, reason) AS coalesce(result = 1 OR (result = 2 AND nullif(trim(reason), '') IS NOT NULL), false);

-- The days on which a version of a registered thing is in force, both inclusive. The first version known reaches back
-- to a day that it states itself; the last one goes on until it is deleted.
CREATE OR REPLACE TEMP MACRO version_begins(version_no, version, stated) AS CASE WHEN version_no = 1
    THEN least(CAST(version AS DATE), coalesce(stated, CAST(version AS DATE))) ELSE CAST(version AS DATE) END;
CREATE OR REPLACE TEMP MACRO version_ends(next_day, deleted_at) AS least(
    coalesce(next_day - 1, DATE '9999-12-31'), coalesce(CAST(deleted_at AS DATE) - 1, DATE '9999-12-31'));
