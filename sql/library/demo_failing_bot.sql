-- parameter: failing_bot text = 'bot-pip'
-- parameter: failing_scenario text = 'refund'
-- Demo: on which intent does which bot fail most?
--
-- Ranked by the lower end of the 95 % interval (Wilson) of the share of conversations in which the bot
-- failed (view containment), so that a few bad ones do not win. Asking for a human and complaining are
-- what failing leads to and not what a conversation is about.
WITH shares AS (
    SELECT
        bot_id,
        intent,
        count(*)::double precision AS n,
        avg(bot_failed) AS failed,
        avg(contained) AS contained
    FROM containment
    WHERE intent NOT IN ('unclassified', 'contact_human', 'complaint')
    GROUP BY bot_id, intent
),
top AS (
    SELECT
        bot_id,
        intent,
        n,
        failed,
        contained,
        (failed + 1.92 / n - 1.96 * sqrt(failed * (1 - failed) / n + 0.9604 / (n * n)))
            / (1 + 3.8416 / n) AS at_least
    FROM shares
    ORDER BY at_least DESC, bot_id, intent
    LIMIT 1
),
behind AS (
    SELECT
        min(t.bot_id) AS bot_id,
        min(t.intent) AS intent,
        min(t.n)::bigint AS conversations,
        min(t.failed) AS failed,
        avg(
            CASE WHEN c.attributes LIKE '%"scenario":"' || $failing_scenario || '"%'
                THEN 1.0 ELSE 0.0 END
        ) AS true_share
    FROM top t
    JOIN containment k ON k.bot_id = t.bot_id AND k.intent = t.intent
    JOIN conversations c ON c.conversation_id = k.conversation_id
),
overall AS (
    SELECT avg(bot_failed) AS failed FROM containment
)
SELECT
    b.bot_id || ' on intent ' || b.intent || ': fails in ' || round(100 * b.failed) || ' % of '
        || b.conversations || ' conversations, ' || round(100 * o.failed)
        || ' % over all bots and intents; ' || round(100 * b.true_share) || ' % of them are about a '
        || $failing_scenario AS found,
    coalesce(b.bot_id = $failing_bot AND b.true_share > 0.5, false) AS holds
FROM behind b
CROSS JOIN overall o
