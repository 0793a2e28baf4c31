-- Every mapping of a type that is renamed gets its verdict, from what Salesloft holds under the new type.
BEGIN IMMEDIATE;
CREATE INDEX IF NOT EXISTS rows_by_external_id ON rows (external_id, line);
CREATE INDEX IF NOT EXISTS held_by_external_id ON held (external_id);
CREATE INDEX IF NOT EXISTS held_by_object ON held (object_id);
UPDATE rows SET verdict = 'object unknown', note = 'the record is gone, or hidden from this token; its mapping stays'
WHERE verdict = 'new' AND object_id IS NULL;
UPDATE rows SET verdict = 'conflict', note = 'this external id is mapped to several records; their mappings stay'
FROM (SELECT external_id AS id FROM rows GROUP BY external_id HAVING COUNT(DISTINCT ref) > 1)
WHERE verdict = 'new' AND external_id = id;
UPDATE rows SET verdict = 'conflict', note = 'Salesloft shows no id for this mapping, and its deletion needs one'
WHERE verdict = 'new' AND mapping_id IS NULL;
UPDATE rows SET verdict = 'conflict', note = 'under the new type it is mapped to ' || held.object_id FROM held
WHERE verdict = 'new' AND held.external_id = rows.external_id AND held.object_id <> rows.object_id;
UPDATE rows SET verdict = 'delete', note = 'it is mapped under the new type already' FROM held
WHERE verdict = 'new' AND held.external_id = rows.external_id;
UPDATE rows SET verdict = 'delete', note = 'the same mapping as line ' || alike.first
FROM (SELECT external_id AS id, MIN(line) AS first FROM rows WHERE verdict = 'new'
      GROUP BY external_id HAVING COUNT(*) > 1) AS alike
WHERE rows.verdict = 'new' AND rows.external_id = alike.id AND rows.line > alike.first;
UPDATE rows SET verdict = 'suspicious',
    note = 'the record has the external id ' || quoted(had.external_id) || ' of the new type already'
FROM (SELECT object_id, MIN(external_id) AS external_id FROM held GROUP BY object_id) AS had
WHERE rows.verdict = 'new' AND rows.object_id = had.object_id;
UPDATE rows SET verdict = 'rename' WHERE verdict = 'new';
CREATE INDEX IF NOT EXISTS rows_open ON rows (verdict, line);
COMMIT;
