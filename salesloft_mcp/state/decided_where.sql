-- Until now a person could decide in a terminal only.
ALTER TABLE approvals ADD COLUMN decided_where TEXT NOT NULL DEFAULT 'in a terminal'
