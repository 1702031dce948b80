-- First reply, resolution and handle time, wall clock, in seconds.
--
-- Grain: one row per conversation whose begin is a real time. first_reply_seconds: begin to the first
-- public turn of a human (a bot's reply does not count), NULL without one or where its time was made
-- up. resolution_seconds: begin to the last `resolved` event that no `reopened` follows, and where the
-- source sends no such events, to the end of a conversation that is resolved or closed.
-- handle_seconds: from when a human first took part (the earliest of first_human_at, a `joined` event and
-- the first reply) to the end. Negative spans are NULL. Report the median and the 90th percentile:
-- percentile_cont(0.5) WITHIN GROUP (ORDER BY first_reply_seconds).
WITH moments AS (
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
        c.started_at,
        extract(epoch FROM c.started_at) AS began,
        extract(epoch FROM r.first_human_reply_at) AS replied,
        extract(epoch FROM CASE
            WHEN e.resolved THEN
                CASE WHEN e.reopened_at > e.resolved_at THEN NULL ELSE e.resolved_at END
            WHEN c.status IN ('resolved', 'closed')
                AND NOT coalesce(array_has(c.made, 'ended_at'), false) THEN c.ended_at
        END) AS resolved,
        extract(epoch FROM least(
            CASE
                WHEN NOT coalesce(array_has(c.made, 'first_human_at'), false) THEN c.first_human_at
            END,
            e.joined_at,
            r.first_human_reply_at
        )) AS joined,
        extract(epoch FROM CASE
            WHEN NOT coalesce(array_has(c.made, 'ended_at'), false) THEN c.ended_at
        END) AS ended
    FROM conversations c
    LEFT JOIN conversation_replies r ON r.conversation_id = c.conversation_id
    LEFT JOIN conversation_events e ON e.conversation_id = c.conversation_id
    WHERE NOT coalesce(array_has(c.made, 'started_at'), false)
)
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
    started_at,
    CASE WHEN replied >= began THEN replied - began END AS first_reply_seconds,
    CASE WHEN resolved >= began THEN resolved - began END AS resolution_seconds,
    CASE WHEN ended >= joined THEN ended - joined END AS handle_seconds
FROM moments
