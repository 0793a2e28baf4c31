-- A plan may upsert records, hold rows that are suspicious, and tell what was assumed of its input.
ALTER TABLE runs ADD COLUMN intent TEXT;
ALTER TABLE runs ADD COLUMN asks TEXT NOT NULL DEFAULT '{}';
ALTER TABLE runs ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';
ALTER TABLE runs ADD COLUMN suspicious BOOLEAN NOT NULL DEFAULT FALSE;
-- What is to be known of a change of a run however it ends, such as the fields that an undo cannot bring back.
ALTER TABLE changes ADD COLUMN told TEXT NOT NULL DEFAULT '';
