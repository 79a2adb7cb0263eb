-- A row is a model that was carried over from an earlier generation, with the check that held it.
select model, reason from meta.held
