-- A conversation with what reports group by and the sums of its customer's scores: what the metric
-- views are made of.
--
-- Grain: one row per conversation that has a public customer turn. intent and topic: the latest
-- human correction, else the first turn that is not `unclassified`, else `unclassified`.
-- time_made: the importer had to make up when the conversation began, so no time metric counts it.
SELECT
    c.conversation_id,
    c.source,
    c.channel,
    c.account_id,
    c.customer_segment,
    c.plan,
    c.release,
    c.queue_id,
    c.team_id,
    c.primary_agent_id,
    c.bot_id,
    c.bot_version,
    c.language,
    c.status,
    c.resolved_by,
    c.started_at,
    date_trunc('day', c.started_at) AS day,
    coalesce(array_has(c.made, 'started_at'), false) AS time_made,
    coalesce(h.intent, s.intent) AS intent,
    coalesce(h.topic, s.topic) AS topic,
    s.customer_turns,
    s.sentiment_sum,
    s.sentiment_turns,
    s.positive_turns,
    s.negative_turns,
    s.start_sentiment,
    s.end_sentiment,
    s.sentiment_trend,
    s.last_sentiment,
    s.effort_sum,
    s.effort_turns,
    s.escalation_requested,
    s.churn_risk,
    s.repeated_information
FROM conversations c
JOIN conversation_scores s ON s.conversation_id = c.conversation_id
LEFT JOIN human_corrections h ON h.conversation_id = c.conversation_id
