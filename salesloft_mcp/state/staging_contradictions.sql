-- Rows whose keys name different records.
UPDATE rows SET verdict = 'invalid', note = 'its ' || rows.by ||
    CASE WHEN rows.object_id IS NULL THEN ' is nobody''s' ELSE ' is that of record ' || rows.object_id END ||
    ', and its ' || also.by ||
    CASE WHEN also.object_id IS NULL THEN ' is nobody''s' ELSE ' is that of record ' || also.object_id END
FROM also WHERE rows.verdict = 'new' AND rows.line = also.line AND rows.object_id IS NOT also.object_id;
-- Rows of one external id that name several records, or that write different fields: none of them can be right for sure.
-- A row whose record is not known, or is not written as it should be, contradicts as well, unless it names its record as
-- another one does; so does a row that cannot be read.
UPDATE rows SET verdict = 'invalid', note = IIF(records > 1 OR wrong IS NULL,
    'this external id is given to several records, on lines ' || lines,
    'line ' || wrong || ' has this external id, too, and is not as it should be')
FROM (SELECT external_id AS id, MIN(line) || ' and ' || MAX(line) AS lines, COUNT(DISTINCT record) AS records,
             MIN(IIF(verdict = 'invalid' AND record IS NULL, line, NULL)) AS wrong
      FROM (SELECT external_id, line, verdict, by, ref,
                   COALESCE(object_id, MAX(object_id) OVER (PARTITION BY external_id, by, ref)) AS record
            FROM rows WHERE external_id IN -- few, mostly
                (SELECT external_id FROM rows WHERE external_id <> '' GROUP BY external_id HAVING COUNT(*) > 1)
            AND verdict <> 'duplicate' AND (fields = '{}' OR (fields = '' AND ref <> '')))
      GROUP BY external_id HAVING COUNT(DISTINCT COALESCE(CAST(record AS TEXT), by || ' ' || ref)) > 1)
WHERE verdict = 'new' AND object_id IS NOT NULL AND external_id = id;
UPDATE rows SET verdict = 'invalid', note = IIF(readable > 1,
    'this external id has different fields on lines ' || lines,
    'line ' || unreadable || ' has this external id, too, and is not as it should be')
FROM (SELECT external_id AS id, MIN(line) || ' and ' || MAX(line) AS lines, SUM(fields <> '{}') AS readable,
             MIN(IIF(fields = '{}', line, NULL)) AS unreadable
      FROM rows WHERE external_id <> '' AND verdict <> 'duplicate' AND fields <> ''
      GROUP BY external_id HAVING COUNT(*) > 1)
WHERE verdict = 'new' AND fields <> '' AND external_id = id;
