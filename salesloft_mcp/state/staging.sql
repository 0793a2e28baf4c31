PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF; -- a plan that a crash cut off is made again

-- verdict: what the plan says of the row.
CREATE TABLE IF NOT EXISTS rows (
    line        INTEGER PRIMARY KEY,
    external_id TEXT NOT NULL,
    by          TEXT NOT NULL,
    ref         TEXT NOT NULL,
    object_id   INTEGER,
    verdict     TEXT NOT NULL,
    note        TEXT NOT NULL DEFAULT '',
    mapping_id  INTEGER
);

-- What Salesloft held when the plan was made.
CREATE TABLE IF NOT EXISTS held (
    external_id TEXT NOT NULL,
    object_id   INTEGER NOT NULL,
    mapping_id  INTEGER
);
