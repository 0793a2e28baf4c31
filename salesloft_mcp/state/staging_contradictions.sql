-- Rows whose keys name different records.
UPDATE rows SET verdict = 'invalid', note = 'its ' || rows.by ||
    CASE WHEN rows.object_id IS NULL THEN ' is nobody''s' ELSE ' is that of record ' || rows.object_id END ||
    ', and its ' || also.by ||
    CASE WHEN also.object_id IS NULL THEN ' is nobody''s' ELSE ' is that of record ' || also.object_id END
FROM also WHERE rows.verdict = 'new' AND rows.line = also.line AND rows.object_id IS NOT also.object_id;
-- Rows of one external id that name several records, or that write different fields: none of them can be right for sure.
-- A row whose record is not known, or is not written as it should be, contradicts as well.
UPDATE rows SET verdict = 'invalid', note = 'this external id is given to several records, on lines ' || lines
FROM (SELECT external_id AS id, MIN(line) || ' and ' || MAX(line) AS lines
      FROM rows WHERE ref <> '' AND external_id <> '' AND verdict <> 'duplicate' AND fields = ''
      GROUP BY external_id HAVING COUNT(DISTINCT COALESCE(CAST(object_id AS TEXT), by || ' ' || ref)) > 1)
WHERE verdict = 'new' AND object_id IS NOT NULL AND external_id = id;
UPDATE rows SET verdict = 'invalid', note = 'this external id has different fields on lines ' || lines
FROM (SELECT external_id AS id, MIN(line) || ' and ' || MAX(line) AS lines
      FROM rows WHERE external_id <> '' AND verdict <> 'duplicate' AND fields <> ''
      GROUP BY external_id HAVING COUNT(*) > 1)
WHERE verdict = 'new' AND external_id = id;
