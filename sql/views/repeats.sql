-- Conversations that repeat an earlier one: same customer, same intent, begun at most seven days after
-- the earlier one ended.
--
-- Grain: one row per repeating conversation; times that were made up do not count (see contacts).
-- channel_switch: the last of the earlier ones was on another channel. The other side, the earlier
-- conversation and its repeats, is repeat_contact.
SELECT
    b.conversation_id,
    last_value(a.channel ORDER BY a.ended_at, a.conversation_id) <> min(b.channel) AS channel_switch
FROM contacts a
JOIN contacts b
    ON b.customer_id = a.customer_id
    AND b.intent = a.intent
    AND b.started_at > a.ended_at
    AND b.started_at <= a.ended_at + INTERVAL '7 days'
GROUP BY b.conversation_id
