-- Who answered the customer and when, per conversation.
--
-- Grain: one row per conversation with a public turn of an agent, a supervisor or a bot. A private
-- note is no reply. first_human_reply_at and first_bot_reply_at are NULL where the time of any such
-- turn was made up by the importer. human_after_bot: a human turn follows a bot's.
SELECT
    conversation_id,
    count(*) FILTER (WHERE role IN ('agent', 'supervisor')) AS human_turns,
    count(*) FILTER (WHERE role = 'bot') AS bot_turns,
    CASE
        WHEN bool_or(array_has(made, 'sent_at')) THEN NULL
        ELSE min(sent_at) FILTER (WHERE role IN ('agent', 'supervisor'))
    END AS first_human_reply_at,
    CASE
        WHEN bool_or(array_has(made, 'sent_at')) THEN NULL
        ELSE min(sent_at) FILTER (WHERE role = 'bot')
    END AS first_bot_reply_at,
    coalesce(
        min(turn_index) FILTER (WHERE role = 'bot')
            < max(turn_index) FILTER (WHERE role IN ('agent', 'supervisor')),
        false
    ) AS human_after_bot
FROM messages
WHERE role IN ('agent', 'supervisor', 'bot')
  AND NOT is_private
GROUP BY conversation_id
