-- Whose token a write was made with, by name and id: a later token of another person changes nothing of it.
ALTER TABLE operations ADD COLUMN person TEXT NOT NULL DEFAULT '';
