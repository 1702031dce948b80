-- The latest human judgement of a conversation's intent and topic.
--
-- Grain: one row per corrected conversation. Source: annotations with source = 'human' and label
-- 'intent' or 'topic', of the whole conversation or of one of its messages; the newest wins.
SELECT
    conversation_id,
    last_value(value ORDER BY version_at, annotation_id) FILTER (WHERE label = 'intent') AS intent,
    last_value(value ORDER BY version_at, annotation_id) FILTER (WHERE label = 'topic') AS topic
FROM annotations
WHERE source = 'human'
  AND label IN ('intent', 'topic')
  AND value IS NOT NULL
GROUP BY conversation_id
