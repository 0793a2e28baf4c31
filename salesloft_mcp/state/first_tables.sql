CREATE TABLE IF NOT EXISTS approvals (
    id          TEXT PRIMARY KEY,
    environment TEXT NOT NULL,
    tool        TEXT NOT NULL,
    question    TEXT NOT NULL,
    digest      TEXT NOT NULL,
    code        TEXT,
    asked_at    REAL NOT NULL,
    decision    TEXT CHECK (decision IN ('yes', 'no')),
    decided_at  REAL,
    used_at     REAL
);
CREATE INDEX IF NOT EXISTS approvals_by_digest ON approvals (digest);

CREATE TABLE IF NOT EXISTS changes (
    id            INTEGER PRIMARY KEY,
    at            REAL NOT NULL,
    environment   TEXT NOT NULL,
    who           TEXT NOT NULL,
    tool          TEXT NOT NULL,
    external_type TEXT NOT NULL,
    object_type   TEXT NOT NULL,
    external_id   TEXT NOT NULL,
    object_id     INTEGER,
    confirmed     TEXT NOT NULL,
    outcome       TEXT NOT NULL,
    before        TEXT,
    after         TEXT,
    undoes        INTEGER
);
CREATE INDEX IF NOT EXISTS changes_by_external_id ON changes (external_id);
CREATE INDEX IF NOT EXISTS changes_by_object ON changes (object_id, object_type);
CREATE INDEX IF NOT EXISTS changes_by_tool ON changes (tool);
CREATE INDEX IF NOT EXISTS changes_by_time ON changes (at);
CREATE INDEX IF NOT EXISTS changes_by_undone ON changes (undoes) WHERE undoes IS NOT NULL;

-- What hung on a configuration when it was deleted.
CREATE TABLE IF NOT EXISTS saved_mappings (
    change_id   INTEGER NOT NULL,
    external_id TEXT NOT NULL,
    object_id   INTEGER NOT NULL,
    restored    BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (change_id, external_id, object_id)
) WITHOUT ROWID;
