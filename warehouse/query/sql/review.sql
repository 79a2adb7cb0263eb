-- A row is something that somebody must look at. Nothing about persons.
select rule, subject, detail from meta.review order by all
