-- External ids are compared byte for byte: BINARY is SQLite's default collation and is spelled out on purpose.

CREATE TABLE IF NOT EXISTS configurations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    external_type TEXT NOT NULL COLLATE BINARY,
    object_type TEXT NOT NULL,
    source_type TEXT,
    source_id INTEGER,
    deleted INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS mappings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    external_type TEXT NOT NULL COLLATE BINARY,
    object_type TEXT NOT NULL,
    external_id TEXT NOT NULL COLLATE BINARY,
    object_id INTEGER NOT NULL,
    inserted_at TEXT NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS mappings_by_external_id ON mappings (external_id, external_type, object_type, deleted);
CREATE INDEX IF NOT EXISTS mappings_by_object ON mappings (object_id, object_type, external_type, deleted);
CREATE INDEX IF NOT EXISTS mappings_by_type ON mappings (external_type);
CREATE INDEX IF NOT EXISTS mappings_by_both_types ON mappings (external_type, object_type);

-- What a body may set lives in fields, as JSON; AUTOINCREMENT keeps the id of a removed object from coming back.
CREATE TABLE IF NOT EXISTS people (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    fields TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS people_by_update ON people (updated_at);
CREATE INDEX IF NOT EXISTS people_by_email ON people (lower(json_extract(fields, '$.email_address')));
CREATE INDEX IF NOT EXISTS people_by_crm_id ON people (json_extract(fields, '$.crm_id'));

CREATE TABLE IF NOT EXISTS accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    fields TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS accounts_by_update ON accounts (updated_at);
CREATE INDEX IF NOT EXISTS accounts_by_domain ON accounts (lower(json_extract(fields, '$.domain')));
CREATE INDEX IF NOT EXISTS accounts_by_crm_id ON accounts (json_extract(fields, '$.crm_id'));

CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    fields TEXT NOT NULL
);

-- Without statistics the planner takes a type for as selective as an external id and reads the whole type.
ANALYZE sqlite_master;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('mappings', 'mappings_by_external_id', '100000 2 1 1 1'),
    ('mappings', 'mappings_by_object', '100000 2 2 1 1'),
    ('mappings', 'mappings_by_type', '100000 20000'),
    ('mappings', 'mappings_by_both_types', '100000 20000 20000');
ANALYZE sqlite_master;
