-- A plan may give the mappings of its external type to another one.
ALTER TABLE runs ADD COLUMN new_external_type TEXT NOT NULL DEFAULT ''
