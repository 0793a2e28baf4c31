CREATE TABLE operations (
    id      INTEGER PRIMARY KEY,
    tenant  TEXT NOT NULL,
    at      REAL NOT NULL,
    who     TEXT NOT NULL,
    team    TEXT NOT NULL,
    title   TEXT NOT NULL,
    how     TEXT NOT NULL,
    consent TEXT,
    undoes  INTEGER,
    plan    TEXT,
    epoch   INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX one_write_a_yes ON operations (tenant, consent) WHERE consent IS NOT NULL;
CREATE INDEX operations_by_title ON operations (title);
CREATE INDEX operations_by_time ON operations (at);
CREATE INDEX operations_by_undone ON operations (undoes) WHERE undoes IS NOT NULL;

ALTER TABLE changes RENAME TO lines_of_0_1;
CREATE TABLE changes (
    id            INTEGER PRIMARY KEY,
    operation     INTEGER NOT NULL REFERENCES operations (id),
    tenant        TEXT NOT NULL,
    kind          TEXT NOT NULL,
    external_type TEXT NOT NULL,
    object_type   TEXT NOT NULL,
    external_id   TEXT NOT NULL,
    object_id     INTEGER,
    before        TEXT,
    after         TEXT,
    outcome       TEXT NOT NULL,
    note          TEXT NOT NULL DEFAULT '',
    tries         INTEGER NOT NULL DEFAULT 0,
    at            REAL NOT NULL,
    line          INTEGER
);

-- The lines of a backfill become one operation under the last of their numbers, so that no new operation gets a number
-- that a line had. Who undid one line of it has not undone the backfill.
INSERT INTO operations (id, tenant, at, who, team, title, how, undoes, plan)
SELECT MAX(id), environment, MIN(at), who, '',
    CASE WHEN tool LIKE 'run_backfill %' THEN 'run_backfill' ELSE tool END, confirmed,
    CASE WHEN undoes NOT IN (SELECT id FROM lines_of_0_1 WHERE tool LIKE 'run_backfill %') THEN undoes END,
    CASE WHEN tool LIKE 'run_backfill %' THEN substr(tool, 14) END
FROM lines_of_0_1
GROUP BY environment, CASE WHEN tool LIKE 'run_backfill %' THEN tool ELSE id END;

INSERT INTO changes (operation, tenant, kind, external_type, object_type, external_id, object_id, before, after, outcome, at, line)
SELECT CASE WHEN tool LIKE 'run_backfill %'
         THEN (SELECT operations.id FROM operations WHERE title = 'run_backfill' AND tenant = environment AND plan = substr(tool, 14))
         ELSE id END,
    environment,
    CASE WHEN external_id = '' THEN 'configuration'
         WHEN tool LIKE 'upsert%' THEN 'record'
         WHEN json_extract(COALESCE(after, before), '$.object_id') IS NULL AND COALESCE(after, before) IS NOT NULL THEN 'record'
         ELSE 'mapping' END,
    external_type, object_type, external_id, object_id, before,
    CASE WHEN after IS NULL AND external_id <> '' AND outcome = 'created' THEN json_object('object_id', object_id) ELSE after END,
    CASE WHEN outcome IN ('intended', 'unknown') THEN 'lost' ELSE outcome END, at,
    CASE WHEN tool LIKE 'run_backfill %' THEN id END
FROM lines_of_0_1 ORDER BY id;

-- Whole rows of mappings and configurations become what an image holds today. The patch leaves out an id that is null:
-- a backfill kept none.
UPDATE changes SET before = json_patch('{}', json_object('id', json_extract(before, '$.id'), 'object_id', json_extract(before, '$.object_id')))
WHERE kind = 'mapping' AND before IS NOT NULL;
UPDATE changes SET after = json_patch('{}', json_object('id', json_extract(after, '$.id'), 'object_id', json_extract(after, '$.object_id')))
WHERE kind = 'mapping' AND after IS NOT NULL;
UPDATE changes SET before = json_object('id', json_extract(before, '$.id'))
WHERE kind = 'configuration' AND before IS NOT NULL;
UPDATE changes SET after = json_object('id', json_extract(after, '$.id'))
WHERE kind = 'configuration' AND after IS NOT NULL;

INSERT INTO changes (operation, tenant, kind, external_type, object_type, external_id, object_id, before, outcome, at)
SELECT old.id, old.environment, 'mapping', old.external_type, old.object_type, saved.external_id, saved.object_id,
    json_object('object_id', saved.object_id), 'carried', old.at
FROM saved_mappings AS saved JOIN lines_of_0_1 AS old ON old.id = saved.change_id;

DROP TABLE saved_mappings;
DROP TABLE lines_of_0_1;

CREATE INDEX changes_by_operation ON changes (operation, outcome, id);
CREATE INDEX changes_by_input ON changes (operation, line, outcome) WHERE line IS NOT NULL;
CREATE INDEX changes_by_external_id ON changes (external_id);
CREATE INDEX changes_by_object ON changes (object_id, object_type);
CREATE UNIQUE INDEX one_writer_a_key ON changes (tenant, external_type, object_type, external_id)
    WHERE outcome IN ('intended', 'unknown');

DROP TABLE approvals;
CREATE TABLE approvals (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    title      TEXT NOT NULL,
    question   TEXT NOT NULL,
    name       TEXT NOT NULL,
    digest     TEXT NOT NULL,
    asked_at   REAL NOT NULL,
    decision   TEXT CHECK (decision IN ('yes', 'no')),
    decided_at REAL
);
CREATE INDEX approvals_by_digest ON approvals (digest);

CREATE TABLE runs (
    id            TEXT PRIMARY KEY,
    tenant        TEXT NOT NULL,
    at            REAL NOT NULL,
    state         TEXT NOT NULL,
    external_type TEXT NOT NULL,
    object_type   TEXT NOT NULL,
    source        TEXT NOT NULL,
    digest        TEXT NOT NULL DEFAULT '',
    team          TEXT NOT NULL DEFAULT '',
    counts        TEXT NOT NULL DEFAULT '{}',
    operation     INTEGER,
    undoes        INTEGER,
    agreed        INTEGER NOT NULL DEFAULT 0,
    problem       TEXT NOT NULL DEFAULT '',
    cancelled     BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX runs_by_state ON runs (state);
