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
    after         TEXT
);
CREATE INDEX IF NOT EXISTS changes_by_external_id ON changes (external_id);
