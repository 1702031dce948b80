-- parameter: spike_day text = '2025-10-29'
-- Demo: does the most unusual topic of the lake fall on the planted day, and is it about double charges?
--
-- found: what topic_frequency says; holds: whether that is what was planted. The truth that the demo
-- recorded in `attributes` is used to judge the answer, not to find it.
WITH top AS (
    SELECT topic, day, conversations, expected, spike_score
    FROM topic_frequency
    WHERE is_spike
      AND topic <> 'unclassified'
    ORDER BY spike_score DESC, day, topic
    LIMIT 1
),
behind AS (
    SELECT
        min(t.topic) AS topic,
        min(t.day) AS day,
        min(t.conversations) AS conversations,
        min(t.expected) AS expected,
        min(t.spike_score) AS spike_score,
        avg(CASE WHEN c.attributes LIKE '%"scenario":"double_charge"%' THEN 1.0 ELSE 0.0 END)
            AS true_share
    FROM top t
    JOIN scored_conversations s ON s.topic = t.topic AND s.day = t.day
    JOIN conversations c ON c.conversation_id = s.conversation_id
)
SELECT
    'topic ' || topic || ' on ' || substr(day::text, 1, 10) || ': ' || conversations
        || ' conversations where ' || round(expected, 1) || ' were expected (score '
        || round(spike_score, 1) || '); ' || round(100 * true_share)
        || ' % of them are planted double charges' AS found,
    coalesce(substr(day::text, 1, 10) = $spike_day AND true_share > 0.5, false) AS holds
FROM behind
