-- Rows of an upsert get the record that their external id is mapped to. Of several external ids of one record, none can
-- be right for sure when their fields differ. Then rows that would bring an e-mail or a domain of another record are ruled
-- out, because Salesloft would refuse them. What the record has already is not brought, whoever has it besides.
BEGIN IMMEDIATE;
CREATE INDEX IF NOT EXISTS held_by_external_id ON held (external_id);
CREATE INDEX IF NOT EXISTS known_by_ref ON known (ref);
UPDATE rows SET object_id = one.object_id, mapping_id = one.mapping_id,
    verdict = CASE one.objects WHEN 1 THEN 'new' ELSE 'conflict' END,
    note = CASE one.objects WHEN 1 THEN '' ELSE 'the external id is mapped to ' || one.objects || ' records' END
FROM (SELECT external_id, MIN(object_id) AS object_id, mapping_id, COUNT(DISTINCT object_id) AS objects
      FROM held GROUP BY external_id) AS one
WHERE rows.verdict = 'new' AND rows.external_id = one.external_id;
UPDATE rows SET verdict = 'duplicate', note = 'the same record as line ' || alike.first
FROM (SELECT line AS own, MIN(line) OVER (PARTITION BY object_id, fields) AS first
      FROM rows WHERE verdict = 'new' AND object_id IS NOT NULL) AS alike
WHERE rows.line = alike.own AND alike.first < alike.own;
UPDATE rows SET verdict = 'conflict',
    note = 'lines ' || several.lines || ' write different fields of record ' || rows.object_id
FROM (SELECT object_id, MIN(line) || ' and ' || MAX(line) AS lines FROM rows
      WHERE verdict = 'new' AND object_id IS NOT NULL GROUP BY object_id HAVING COUNT(*) > 1) AS several
WHERE rows.verdict = 'new' AND rows.object_id = several.object_id;
UPDATE rows SET verdict = 'conflict', note = 'the ' || by || ' is that of record ' || known.object_id ||
    CASE WHEN rows.object_id IS NULL THEN ', which has to be given this external id first' ELSE
    ', and the external id is mapped to ' || rows.object_id END
FROM known WHERE rows.verdict = 'new' AND rows.ref = known.ref AND known.object_id IS NOT rows.object_id
    AND NOT EXISTS (SELECT 1 FROM known AS own WHERE own.ref = rows.ref AND own.object_id = rows.object_id);
UPDATE rows SET verdict = 'conflict', note = 'lines ' || several.lines || ' have the same ' || by
FROM (SELECT ref, MIN(line) || ' and ' || MAX(line) AS lines FROM rows WHERE verdict = 'new' AND ref <> ''
      GROUP BY ref HAVING COUNT(*) > 1) AS several
WHERE rows.verdict = 'new' AND rows.ref = several.ref;
COMMIT;
