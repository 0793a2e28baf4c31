-- Every row that would give a record an external id gets its verdict, from what Salesloft holds.
BEGIN IMMEDIATE;
CREATE INDEX IF NOT EXISTS held_by_external_id ON held (external_id);
CREATE INDEX IF NOT EXISTS held_by_object ON held (object_id);
UPDATE rows SET verdict = 'object unknown', note = 'there is no such record, or it is hidden from this token'
WHERE verdict = 'new' AND object_id IS NULL;
UPDATE rows SET note = note || '; the external id is mapped to ' || held.object_id FROM held
WHERE verdict = 'object unknown' AND held.external_id = rows.external_id;
UPDATE rows SET verdict = 'unchanged', mapping_id = held.mapping_id FROM held
WHERE verdict = 'new' AND held.external_id = rows.external_id AND held.object_id = rows.object_id;
UPDATE rows SET verdict = 'conflict', note = 'is mapped to ' || held.object_id FROM held
WHERE verdict = 'new' AND held.external_id = rows.external_id;
UPDATE rows SET verdict = 'duplicate', note = 'the same record as line ' || first.line
FROM (SELECT external_id, MIN(line) AS line FROM rows WHERE verdict = 'new'
      GROUP BY external_id HAVING COUNT(*) > 1) AS first
WHERE rows.verdict = 'new' AND rows.external_id = first.external_id AND rows.line > first.line;
UPDATE rows SET verdict = 'create' WHERE verdict = 'new';
UPDATE rows SET asks = 'second id', note = 'the record has the external id ' || quoted(had.external_id) || ' already'
FROM (SELECT object_id, MIN(external_id) AS external_id FROM held GROUP BY object_id) AS had
WHERE rows.verdict = 'create' AND rows.object_id = had.object_id;
UPDATE rows SET asks = 'second id', note = 'lines ' || several.lines || ' give one record several external ids'
FROM (SELECT object_id, MIN(line) || ' and ' || MAX(line) AS lines FROM rows WHERE verdict = 'create'
      GROUP BY object_id HAVING COUNT(*) > 1) AS several
WHERE rows.verdict = 'create' AND rows.asks = '' AND rows.object_id = several.object_id;
COMMIT;
