-- measure: deflected_rate = deflected / denominator
-- measure: contained_rate = contained / denominator
-- measure: verified_rate = verified / verified_denominator
-- Containment: how far the bot answered on its own.
--
-- Grain: one row per conversation in which a bot took a public turn. deflected: no human turn.
-- contained: deflected and helped: resolved or closed. verified: contained, customer and intent known
-- (view contacts), and no conversation of the same customer on the same intent with a human turn
-- begins within 72 hours of its end. Where the 72 hours have not elapsed within what the lake has seen
-- (view observation), verified and verified_denominator are 0. bot_failed: a `bot_fallback` or `handoff`
-- event, or a human turn after the bot's. A group's rates: sum(deflected) / sum(denominator), and so on;
-- sum(verified) / sum(verified_denominator).
WITH human_contacts AS (
    SELECT k.customer_id, k.intent, k.started_at
    FROM contacts k
    JOIN conversation_replies r ON r.conversation_id = k.conversation_id
    WHERE r.human_turns > 0
),
followed AS (
    SELECT
        k.conversation_id,
        min(k.ended_at) + INTERVAL '72 hours' AS known_at,
        count(h.customer_id) > 0 AS by_human
    FROM contacts k
    LEFT JOIN human_contacts h
        ON h.customer_id = k.customer_id
        AND h.intent = k.intent
        AND h.started_at > k.ended_at
        AND h.started_at <= k.ended_at + INTERVAL '72 hours'
    GROUP BY k.conversation_id
),
judged AS (
    SELECT
        c.*,
        r.human_turns = 0 AS deflected,
        r.human_turns = 0 AND coalesce(c.status IN ('resolved', 'closed'), false) AS contained,
        NOT coalesce(f.by_human, true) AS stayed_away,
        coalesce(f.known_at <= o.observed_until, true) AS mature,
        coalesce(e.bot_fallbacks, 0) > 0 OR coalesce(e.handoff, false) OR r.human_after_bot
            AS bot_failed
    FROM scored_conversations c
    CROSS JOIN observation o
    JOIN conversation_replies r ON r.conversation_id = c.conversation_id
    LEFT JOIN conversation_events e ON e.conversation_id = c.conversation_id
    LEFT JOIN followed f ON f.conversation_id = c.conversation_id
    WHERE r.bot_turns > 0
)
SELECT
    conversation_id,
    channel,
    account_id,
    customer_segment,
    plan,
    release,
    queue_id,
    bot_id,
    bot_version,
    intent,
    topic,
    started_at,
    time_made,
    deflected::integer AS deflected,
    contained::integer AS contained,
    (contained AND stayed_away AND mature)::integer AS verified,
    bot_failed::integer AS bot_failed,
    mature::integer AS verified_denominator,
    1 AS denominator
FROM judged
