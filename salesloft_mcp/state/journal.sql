CREATE TABLE IF NOT EXISTS facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- verdict: what the plan says of the row; state: how far a run has brought it.
CREATE TABLE IF NOT EXISTS rows (
    line        INTEGER PRIMARY KEY,
    external_id TEXT NOT NULL,
    by          TEXT NOT NULL,
    ref         TEXT NOT NULL,
    object_id   INTEGER,
    verdict     TEXT NOT NULL,
    note        TEXT NOT NULL DEFAULT '',
    state       TEXT NOT NULL DEFAULT '',
    tries       INTEGER NOT NULL DEFAULT 0,
    intended_at REAL,
    mapping_id  INTEGER
);

-- What Salesloft held when the plan was made.
CREATE TABLE IF NOT EXISTS held (
    external_id TEXT NOT NULL,
    object_id   INTEGER NOT NULL,
    mapping_id  INTEGER
);
