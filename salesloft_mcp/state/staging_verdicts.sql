-- Every row that is left gets its verdict, from what Salesloft holds.
BEGIN IMMEDIATE;
CREATE INDEX IF NOT EXISTS held_by_external_id ON held (external_id);
UPDATE rows SET verdict = 'object unknown', note = 'there is no such object'
WHERE verdict = 'new' AND object_id IS NULL;
UPDATE rows SET verdict = 'unchanged', mapping_id = held.mapping_id FROM held
WHERE verdict = 'new' AND held.external_id = rows.external_id AND held.object_id = rows.object_id;
UPDATE rows SET verdict = 'conflict', note = 'is mapped to ' || held.object_id FROM held
WHERE verdict = 'new' AND held.external_id = rows.external_id;
UPDATE rows SET verdict = 'duplicate', note = 'the same object as line ' || first.line
FROM (SELECT external_id, MIN(line) AS line FROM rows WHERE verdict = 'new'
      GROUP BY external_id HAVING COUNT(*) > 1) AS first
WHERE rows.verdict = 'new' AND rows.external_id = first.external_id AND rows.line > first.line;
UPDATE rows SET verdict = 'create' WHERE verdict = 'new';
CREATE INDEX IF NOT EXISTS rows_open ON rows (verdict, line);
COMMIT;
