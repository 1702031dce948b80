-- Conversations that can repeat one another: customer and intent known, times real.
--
-- Grain: one row per conversation. customer_id: the resolved customer of customer_identities, else
-- the source's own id (never NULL here). A conversation whose begin or end the importer had to make
-- up is left out, and so is `unclassified`. ended_at: the end, else the last activity.
SELECT
    c.conversation_id,
    coalesce(i.customer_id, c.source || ':' || c.source_customer_id) AS customer_id,
    c.channel,
    coalesce(h.intent, s.intent) AS intent,
    c.status,
    c.started_at,
    coalesce(c.ended_at, c.last_activity_at, c.started_at) AS ended_at
FROM conversations c
JOIN conversation_scores s ON s.conversation_id = c.conversation_id
LEFT JOIN human_corrections h ON h.conversation_id = c.conversation_id
LEFT JOIN customer_identities i
    ON i.source = c.source AND i.source_customer_id = c.source_customer_id
WHERE c.source_customer_id IS NOT NULL
  AND coalesce(h.intent, s.intent) <> 'unclassified'
  AND NOT coalesce(array_has(c.made, 'started_at'), false)
  AND NOT coalesce(array_has(c.made, 'ended_at'), false)
