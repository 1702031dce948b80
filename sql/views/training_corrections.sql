-- Human corrections of single messages that a training learns from.
--
-- Grain: one row per message and function that was corrected. Source: annotations with
-- source = 'human', a message and a value; the newest wins. function: what was judged, such as
-- intent (annotations.label). label: the judgement (annotations.value).
SELECT
    a.label AS function,
    a.conversation_id,
    a.message_id,
    last_value(m.text ORDER BY a.version_at, a.annotation_id) AS text,
    last_value(a.value ORDER BY a.version_at, a.annotation_id) AS label,
    max(a.version_at) AS corrected_at
FROM annotations AS a
INNER JOIN messages AS m
    ON a.conversation_id = m.conversation_id
    AND a.message_id = m.message_id
WHERE a.source = 'human'
  AND a.value IS NOT NULL
  AND m.text IS NOT NULL
GROUP BY a.label, a.conversation_id, a.message_id
