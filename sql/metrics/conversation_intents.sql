-- measure: share = numerator / all
-- Intent distribution, per conversation: what each conversation is about, as the customer wants it.
--
-- Grain: one row per conversation with a public customer turn. intent: the latest human correction,
-- else the first turn that is not `unclassified`; `unclassified` keeps its rows, so that shares add
-- up to 1. A group's share of an intent: sum(numerator) of the intent's rows / sum(denominator) of
-- all rows of the group. The aggregated view is intent_distribution.
SELECT
    conversation_id,
    channel,
    account_id,
    customer_segment,
    plan,
    release,
    queue_id,
    team_id,
    primary_agent_id,
    bot_id,
    intent,
    topic,
    started_at,
    time_made,
    1 AS numerator,
    1 AS denominator
FROM scored_conversations
