-- measure: success_rate = numerator / denominator
-- Agent outcome pattern, per conversation: what the agent did and how it ended.
--
-- Grain: one row per conversation with a public turn of a human agent and a public customer turn, whose
-- outcome is known. success: resolved or closed, not repeated within 7 days (view repeat_contact), and
-- sentiment at the end at least 0: end_score of sentiment_score, and below 6 customer turns the score of
-- the last turn that has one; no score at all counts as 0. A conversation whose repeat window has not
-- elapsed is left out; one that cannot repeat (customer or intent unknown) counts as not repeated.
-- A group's success rate: sum(numerator) / sum(denominator). The traits are those of agent_traits.
SELECT
    c.conversation_id,
    c.primary_agent_id AS agent_id,
    c.team_id,
    c.queue_id,
    c.channel,
    c.customer_segment,
    c.plan,
    c.release,
    c.intent,
    c.topic,
    c.started_at,
    c.time_made,
    t.apologises,
    t.acknowledges,
    t.asks_question,
    t.tells_next_step,
    t.confirms,
    t.thanks,
    t.links_article,
    coalesce(e.transfers, 0) = 0 AS keeps_ownership,
    coalesce(c.status IN ('resolved', 'closed'), false) AS resolved,
    coalesce(p.repeated, false) AS repeated,
    coalesce(c.end_sentiment, c.last_sentiment, 0) AS end_sentiment,
    (
        coalesce(c.status IN ('resolved', 'closed'), false)
        AND NOT coalesce(p.repeated, false)
        AND coalesce(c.end_sentiment, c.last_sentiment, 0) >= 0
    )::integer AS numerator,
    1 AS denominator
FROM scored_conversations c
JOIN agent_traits t ON t.conversation_id = c.conversation_id
LEFT JOIN repeat_contact p ON p.conversation_id = c.conversation_id
LEFT JOIN conversation_events e ON e.conversation_id = c.conversation_id
WHERE coalesce(p.mature, true)
