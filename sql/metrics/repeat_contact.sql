-- parameter: window_days integer = 7
-- measure: repeat_rate = numerator / denominator
-- measure: first_contact_resolution = resolved_first / resolved_denominator
-- Repeat contact pattern: contacts that the same customer had to make again on the same intent.
--
-- Grain: one row per conversation whose customer and intent are known and whose times are real (view
-- contacts). B repeats A: same customer across channels and sources, same intent, B begins within
-- (0, window_days] days of the end of A. repeated_at, repeated_by and repeated_on (channel) describe
-- the first such B and are NULL where there is none.
-- mature: the window has fully elapsed within what the lake has seen (view observation), so that "no
-- repeat" is known. Only mature contacts count. A group's repeat rate: sum(numerator) /
-- sum(denominator). First-contact resolution, as a proxy: 1 - rate among resolved contacts, so
-- sum(resolved_first) / sum(resolved_denominator).
WITH followed AS (
    SELECT
        a.conversation_id,
        min(a.customer_id) AS customer_id,
        min(a.intent) AS intent,
        min(a.ended_at) AS ended_at,
        count(b.conversation_id) > 0 AS repeated,
        min(b.started_at) AS repeated_at,
        first_value(b.conversation_id ORDER BY b.started_at, b.conversation_id) AS repeated_by,
        first_value(b.channel ORDER BY b.started_at, b.conversation_id) AS repeated_on
    FROM contacts a
    LEFT JOIN contacts b
        ON b.customer_id = a.customer_id
        AND b.intent = a.intent
        AND b.started_at > a.ended_at
        AND b.started_at <= a.ended_at + ($window_days || ' days')::interval
    GROUP BY a.conversation_id
),
judged AS (
    SELECT
        followed.*,
        ended_at + ($window_days || ' days')::interval <= observed_until AS mature
    FROM followed
    CROSS JOIN observation
)
SELECT
    c.conversation_id,
    j.customer_id,
    c.channel,
    c.account_id,
    c.customer_segment,
    c.plan,
    c.release,
    c.queue_id,
    c.team_id,
    c.primary_agent_id,
    c.bot_id,
    j.intent,
    c.started_at,
    j.ended_at,
    j.mature,
    j.repeated,
    j.repeated_at,
    j.repeated_by,
    j.repeated_on,
    (j.mature AND j.repeated)::integer AS numerator,
    j.mature::integer AS denominator,
    (j.mature AND NOT j.repeated AND coalesce(c.status IN ('resolved', 'closed'), false))::integer
        AS resolved_first,
    (j.mature AND coalesce(c.status IN ('resolved', 'closed'), false))::integer
        AS resolved_denominator
FROM judged j
JOIN conversations c ON c.conversation_id = j.conversation_id
