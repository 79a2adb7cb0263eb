-- One row a person; the key is a pseudonym made at the door, so nothing here names anybody.
SELECT person_key, sex, birth_year, integrity_grade, no_filler_date(integrity_to) AS integrity_to, status
FROM raw.yz_driver WHERE _deleted_at IS NULL
