-- Rows of one external id that name several objects: none of them can be right for sure.
UPDATE rows SET verdict = 'invalid', note = 'this external id is given to several objects in the input'
WHERE verdict = 'new' AND external_id IN
    (SELECT external_id FROM rows WHERE verdict = 'new' GROUP BY external_id HAVING COUNT(DISTINCT object_id) > 1);
