-- Equal for nearly the same external ids (`intake.near.near_key`). What was logged before this is found by its own
-- external id alone.
ALTER TABLE changes ADD COLUMN near TEXT;
CREATE INDEX changes_by_near ON changes (near) WHERE near IS NOT NULL
