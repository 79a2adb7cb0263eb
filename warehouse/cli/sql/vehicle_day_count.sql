-- The one row is the number of days of vehicles in a generation: one table read, to see that the file can be read.
select count(*) as rows from marts.vehicle_day
