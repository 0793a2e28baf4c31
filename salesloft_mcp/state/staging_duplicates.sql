-- Rows that say what an earlier one said already.
CREATE INDEX IF NOT EXISTS rows_by_external_id ON rows (external_id, by, ref, line);
CREATE INDEX IF NOT EXISTS rows_by_ref ON rows (by, ref);
CREATE INDEX IF NOT EXISTS rows_by_object ON rows (object_id);
CREATE INDEX IF NOT EXISTS also_by_ref ON also (by, ref);
CREATE INDEX IF NOT EXISTS also_by_line ON also (line, by, ref);
UPDATE rows SET verdict = 'duplicate', note = 'the same as line ' || alike.first
FROM (SELECT line AS own, MIN(line) OVER (PARTITION BY external_id, by, ref, fields,
          (SELECT GROUP_CONCAT(also.by || ' ' || also.ref, ' ') FROM also WHERE also.line = rows.line)) AS first
      FROM rows WHERE verdict = 'new' AND external_id IN -- few, mostly: the index alone tells them
          (SELECT external_id FROM rows GROUP BY external_id HAVING COUNT(*) > 1)) AS alike
WHERE rows.line = alike.own AND alike.first < alike.own;
