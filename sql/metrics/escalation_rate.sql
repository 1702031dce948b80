-- measure: requested_rate = requested / denominator
-- measure: handoff_rate = handoff / denominator
-- measure: escalated_rate = escalated / denominator
-- Escalation rate: how often customers ask for a human, leave the bot, or go up a tier; by topic.
--
-- Grain: one row per conversation with a public customer turn. Three numerators over one denominator;
-- a group's rate: sum(requested) / sum(denominator), and so on.
-- requested: a customer turn asks for a human or a manager or threatens to escalate
-- (escalation_request(text)), or an `escalation_requested` event. handoff: bot to human: a `handoff`
-- event, or a public human turn after a bot's. escalated: human to human or tier: an `escalated` event,
-- or a transfer made by a human. handoff and escalated are 0 where the source sends no such events.
SELECT
    c.conversation_id,
    c.channel,
    c.account_id,
    c.customer_segment,
    c.plan,
    c.release,
    c.queue_id,
    c.team_id,
    c.primary_agent_id,
    c.bot_id,
    c.intent,
    c.topic,
    c.started_at,
    c.time_made,
    (c.escalation_requested OR coalesce(e.escalation_requested, false))::integer AS requested,
    (coalesce(e.handoff, false) OR coalesce(r.human_after_bot, false))::integer AS handoff,
    coalesce(e.escalated, false)::integer AS escalated,
    1 AS denominator
FROM scored_conversations c
LEFT JOIN conversation_events e ON e.conversation_id = c.conversation_id
LEFT JOIN conversation_replies r ON r.conversation_id = c.conversation_id
