-- A row is a company with one driver or one vehicle at most.
select company_key from marts.one_person_owner
