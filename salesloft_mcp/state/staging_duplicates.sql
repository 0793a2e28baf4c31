-- Rows that say what an earlier one said already.
CREATE INDEX IF NOT EXISTS rows_by_external_id ON rows (external_id, by, ref, line);
CREATE INDEX IF NOT EXISTS rows_by_ref ON rows (by, ref);
UPDATE rows SET verdict = 'duplicate', note = 'the same as line ' || first.line
FROM (SELECT external_id, by, ref, MIN(line) AS line FROM rows WHERE verdict = 'new'
      GROUP BY external_id, by, ref HAVING COUNT(*) > 1) AS first
WHERE rows.verdict = 'new' AND rows.external_id = first.external_id AND rows.by = first.by AND rows.ref = first.ref
  AND rows.line > first.line;
