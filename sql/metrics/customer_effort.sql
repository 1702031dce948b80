-- measure: effort = numerator / denominator
-- measure: coverage = denominator / customer_turns
-- Customer effort signal: how hard it was for the customer, in words and in deeds.
--
-- Grain: one row per conversation with a public customer turn.
-- effort: mean of effort_score(text) over the turns that carry a signal, -5 (hard) to 5 (easy), NULL
-- where none does; coverage: share of turns that do. A group's effort: sum(numerator) /
-- sum(denominator), the mean over its turns; its coverage: sum(denominator) / sum(customer_turns).
-- Behaviour, each a flag or a count to average:
-- repeat_contact: repeats an earlier conversation (view repeat_contact, 7 days); false where customer
-- or intent is unknown or a time was made up. channel_switch: the last of the earlier ones was on another
-- channel.
-- repeated_information: the customer says that they have said it before. transfers: number of
-- `transferred` events. turns_to_resolution: public turns of all sides where the conversation is
-- resolved or closed, else NULL.
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
    c.effort_sum / nullif(c.effort_turns, 0) AS effort,
    c.effort_turns::double precision / c.customer_turns AS coverage,
    c.customer_turns,
    b.conversation_id IS NOT NULL AS repeat_contact,
    coalesce(b.channel_switch, false) AS channel_switch,
    c.repeated_information,
    coalesce(e.transfers, 0) AS transfers,
    CASE
        WHEN c.status IN ('resolved', 'closed')
        THEN c.customer_turns + coalesce(r.human_turns, 0) + coalesce(r.bot_turns, 0)
    END AS turns_to_resolution,
    c.effort_sum AS numerator,
    c.effort_turns AS denominator
FROM scored_conversations c
LEFT JOIN repeats b ON b.conversation_id = c.conversation_id
LEFT JOIN conversation_events e ON e.conversation_id = c.conversation_id
LEFT JOIN conversation_replies r ON r.conversation_id = c.conversation_id
