-- Rows that would create something under an external id that looks damaged, is nearly another one, or is spelled
-- differently from most of its kind; or beside a record that has another e-mail, or the CRM id, of theirs. They are not
-- run unless a person wants them.
BEGIN IMMEDIATE;
CREATE INDEX IF NOT EXISTS rows_by_near ON rows (near);
CREATE INDEX IF NOT EXISTS held_by_near ON held (near);
-- A spreadsheet keeps 15 digits of a number: it makes zeros of the others in all of a column, where chance does in a few.
UPDATE rows SET doubt = IIF(alike.are_many, 'a number of which a spreadsheet kept 15 digits', '')
FROM (SELECT family, 2 * SUM(TRIM(SUBSTR(external_id, 16), '0') = '') >= COUNT(*)
          AND (COUNT(*) > 2 OR family <> 'number of 16 digits') AS are_many
      FROM rows WHERE family LIKE 'number of __ digits' AND external_id GLOB '[1-9]??????????????[0-9]*'
      GROUP BY family) AS alike
WHERE rows.family = alike.family AND external_id GLOB '[1-9]??????????????0*' AND TRIM(SUBSTR(external_id, 16), '0') = '';
UPDATE rows SET verdict = 'suspicious', note = doubt WHERE verdict = 'create' AND doubt <> '';
UPDATE rows SET verdict = 'suspicious', note = CASE verdict WHEN 'suspicious' THEN note || '; ' ELSE '' END ||
    'nearly the external id ' || quoted(alike.external_id) || ', which is mapped to ' || alike.object_id
FROM (SELECT near, MIN(external_id) AS external_id, object_id FROM held GROUP BY near) AS alike
WHERE (rows.verdict = 'create' OR (rows.verdict = 'suspicious' AND rows.before = '')) AND rows.near = alike.near;
UPDATE rows SET verdict = 'suspicious',
    note = 'nearly the external id of line ' || CASE rows.line WHEN alike.first THEN alike.last ELSE alike.first END
FROM (SELECT near, MIN(line) AS first, MAX(line) AS last FROM rows WHERE verdict IN ('create', 'suspicious')
      GROUP BY near HAVING MIN(external_id) <> MAX(external_id)) AS alike
WHERE rows.verdict = 'create' AND rows.near = alike.near;
UPDATE rows SET verdict = 'suspicious',
    note = rows.family || ' with ' || rows.spelling || ', where ' || share || ' of this input have ' || usual.spelling
FROM (SELECT family, spelling, ROW_NUMBER() OVER (PARTITION BY family ORDER BY COUNT(*) DESC, spelling) AS place,
             IIF(2 * COUNT(*) > SUM(COUNT(*)) OVER (PARTITION BY family), 'most', 'others') AS share
      FROM rows WHERE family <> '' GROUP BY family, spelling) AS usual
WHERE usual.place = 1 AND rows.verdict = 'create' AND rows.family = usual.family AND rows.spelling <> usual.spelling;
UPDATE rows SET verdict = 'suspicious', note = IIF(also.by = 'crm_id', 'its crm_id', 'another ' || also.by || ' of it') || ' is that of record ' ||
    known.object_id
FROM also JOIN known ON known.ref = also.ref
WHERE rows.verdict = 'create' AND rows.fields <> '' AND rows.line = also.line;
UPDATE rows SET verdict = 'suspicious', note = IIF(also.by = 'crm_id', 'its crm_id', 'another ' || also.by || ' of it') || ' is that of line ' || other.line
FROM also JOIN rows AS other ON other.by = also.by AND other.ref = also.ref AND other.line <> also.line
WHERE rows.verdict = 'create' AND rows.fields <> '' AND rows.line = also.line
    AND other.verdict IN ('create', 'update', 'suspicious');
UPDATE rows SET verdict = 'suspicious', note = IIF(also.by = 'crm_id', 'its crm_id', 'another ' || also.by || ' of it') || ' is that of line ' || other.line
FROM also JOIN also AS alike ON alike.by = also.by AND alike.ref = also.ref AND alike.line <> also.line
    JOIN rows AS other ON other.line = alike.line
WHERE rows.verdict = 'create' AND rows.fields <> '' AND rows.line = also.line
    AND other.verdict IN ('create', 'update', 'suspicious');
CREATE INDEX IF NOT EXISTS rows_open ON rows (verdict, line);
COMMIT;
