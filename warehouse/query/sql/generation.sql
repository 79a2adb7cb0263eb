-- The one row is the generation itself. built_at: naive Shanghai; last_day: the newest day with positions, NULL
-- without any.
select id, built_at, is_demo, release, last_day from meta.generation
