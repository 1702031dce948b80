-- Everything a report groups by, one row per conversation.
--
-- Grain: one row per conversation, also those without a customer turn. customer_id: the resolved
-- customer. Times in seconds, wall clock, NULL where a time was made up by the importer: see
-- service_times. sentiment_*: see sentiment_score; effort: see customer_effort; intent and topic: the
-- latest human correction, else the first customer turn that is not `unclassified`, else
-- `unclassified`; NULL without a public customer turn. Flags are false where nothing says so:
-- has_bot, has_human: a public turn of one; handoff, escalation_requested, escalated: see
-- escalation_rate; is_repeat: repeats an earlier conversation, is_repeated: is repeated by a later one
-- (repeat_contact, 7 days); reopened: a `reopened` event. churn_risk: highest score of a customer turn,
-- churn_risk_level: its level.
SELECT
    c.conversation_id,
    c.source,
    c.source_conversation_id,
    c.source_url,
    c.thread_id,
    c.previous_conversation_id,
    c.channel,
    coalesce(i.customer_id, c.source || ':' || c.source_customer_id) AS customer_id,
    coalesce(c.account_id, i.account_id) AS account_id,
    c.customer_segment,
    c.plan,
    c.release,
    c.queue_id,
    c.team_id,
    c.primary_agent_id,
    c.bot_id,
    c.bot_version,
    c.language,
    c.subject,
    c.tags,
    c.status,
    c.resolved_by,
    c.priority,
    c.disposition,
    c.started_at,
    c.first_human_at,
    c.ended_at,
    c.last_activity_at,
    t.first_reply_seconds,
    t.resolution_seconds,
    t.handle_seconds,
    c.csat,
    c.ces,
    c.nps,
    s.customer_turns,
    r.human_turns,
    r.bot_turns,
    s.sentiment_sum / nullif(s.sentiment_turns, 0) AS sentiment,
    s.start_sentiment AS sentiment_start,
    s.end_sentiment AS sentiment_end,
    s.sentiment_trend,
    s.effort_sum / nullif(s.effort_turns, 0) AS effort,
    coalesce(h.intent, s.intent) AS intent,
    coalesce(h.topic, s.topic) AS topic,
    coalesce(r.bot_turns, 0) > 0 AS has_bot,
    coalesce(r.human_turns, 0) > 0 AS has_human,
    coalesce(e.handoff, false) OR coalesce(r.human_after_bot, false) AS handoff,
    coalesce(s.escalation_requested, false) OR coalesce(e.escalation_requested, false)
        AS escalation_requested,
    coalesce(e.escalated, false) AS escalated,
    coalesce(e.transfers, 0) AS transfers,
    b.conversation_id IS NOT NULL AS is_repeat,
    coalesce(p.repeated, false) AS is_repeated,
    coalesce(e.reopened, 0) > 0 AS reopened,
    s.churn_risk,
    churn_risk_level(s.churn_risk) AS churn_risk_level,
    c.made
FROM conversations c
LEFT JOIN conversation_scores s ON s.conversation_id = c.conversation_id
LEFT JOIN human_corrections h ON h.conversation_id = c.conversation_id
LEFT JOIN conversation_replies r ON r.conversation_id = c.conversation_id
LEFT JOIN conversation_events e ON e.conversation_id = c.conversation_id
LEFT JOIN service_times t ON t.conversation_id = c.conversation_id
LEFT JOIN repeat_contact p ON p.conversation_id = c.conversation_id
LEFT JOIN repeats b ON b.conversation_id = c.conversation_id
LEFT JOIN customer_identities i
    ON i.source = c.source AND i.source_customer_id = c.source_customer_id
