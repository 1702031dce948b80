-- What happened to a conversation beside its messages, added up per conversation.
--
-- Grain: one row per conversation with an event. escalated: an `escalated` event, or a transfer
-- that a human made. Times whose `at` was made up by the importer are left out.
SELECT
    conversation_id,
    count(*) FILTER (WHERE event_type = 'transferred') AS transfers,
    count(*) FILTER (WHERE event_type = 'reopened') AS reopened,
    count(*) FILTER (WHERE event_type = 'bot_fallback') AS bot_fallbacks,
    count(*) FILTER (WHERE event_type = 'article_shown') AS articles_shown,
    bool_or(event_type = 'escalation_requested') AS escalation_requested,
    bool_or(event_type = 'handoff') AS handoff,
    bool_or(
        event_type = 'escalated'
        OR (event_type = 'transferred' AND actor_type IN ('agent', 'supervisor'))
    ) AS escalated,
    bool_or(event_type = 'resolved') AS resolved,
    min(at) FILTER (
        WHERE event_type = 'joined'
        AND actor_type = 'agent'
        AND NOT coalesce(array_has(made, 'at'), false)
    ) AS joined_at,
    max(at) FILTER (
        WHERE event_type = 'resolved' AND NOT coalesce(array_has(made, 'at'), false)
    ) AS resolved_at,
    max(at) FILTER (
        WHERE event_type = 'reopened' AND NOT coalesce(array_has(made, 'at'), false)
    ) AS reopened_at
FROM events
GROUP BY conversation_id
