PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF; -- a plan that a crash cut off is made again

-- by, ref: how the row names its record. fields: what an upsert writes ({} where a row cannot be read), refs: the records
-- that it names by external ids, and before: what stands there, all as JSON.
-- taken: what was changed of the key before it is looked up. given: the keys of which that was, as they came, as JSON.
-- near: equal for external ids that are nearly the same. family, spelling: the kind of the external id, and how it is
-- written. doubt: why the external id looks damaged. asks: why a person has to agree to the row.
CREATE TABLE IF NOT EXISTS rows (
    line        INTEGER PRIMARY KEY,
    external_id TEXT NOT NULL,
    by          TEXT NOT NULL,
    ref         TEXT NOT NULL,
    object_id   INTEGER,
    verdict     TEXT NOT NULL,
    note        TEXT NOT NULL DEFAULT '',
    mapping_id  INTEGER,
    taken       TEXT NOT NULL DEFAULT '',
    given       TEXT NOT NULL DEFAULT '',
    near        TEXT NOT NULL DEFAULT '',
    family      TEXT NOT NULL DEFAULT '',
    spelling    TEXT NOT NULL DEFAULT '',
    doubt       TEXT NOT NULL DEFAULT '',
    asks        TEXT NOT NULL DEFAULT '',
    fields      TEXT NOT NULL DEFAULT '',
    refs        TEXT NOT NULL DEFAULT '',
    before      TEXT NOT NULL DEFAULT ''
);

-- Other keys of rows that have several, which have to name the same record.
CREATE TABLE IF NOT EXISTS also (
    line      INTEGER NOT NULL,
    by        TEXT NOT NULL,
    ref       TEXT NOT NULL,
    object_id INTEGER
);

-- What Salesloft held when the plan was made.
CREATE TABLE IF NOT EXISTS held (
    external_id TEXT NOT NULL,
    object_id   INTEGER NOT NULL,
    mapping_id  INTEGER,
    near        TEXT NOT NULL
);

-- The newest mapping of the type that was seen; no row where Salesloft does not tell which are new. And the external ids
-- that were mapped after the plan was made, which a run sees.
CREATE TABLE IF NOT EXISTS newest (
    mapping_id INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS mapped_since (
    external_id TEXT PRIMARY KEY
) WITHOUT ROWID;

-- Records that have an e-mail or a domain of the input, by that e-mail or domain.
CREATE TABLE IF NOT EXISTS known (
    ref       TEXT NOT NULL,
    object_id INTEGER NOT NULL
);
