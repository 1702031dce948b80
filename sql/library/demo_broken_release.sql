-- parameter: broken_release text = '4.2.0'
-- Demo: in which release does which intent go wrong most, against the same intent in other releases?
--
-- A conversation goes wrong where it is not resolved or the customer asks for a human or a manager. The
-- pair of release and intent with the highest z of the difference between two shares is what is found.
-- Asking for a human and complaining are what going wrong leads to and not what a conversation is about.
WITH outcomes AS (
    SELECT
        s.conversation_id,
        s.release,
        s.intent,
        (s.status NOT IN ('resolved', 'closed') OR s.escalation_requested)::integer AS failed
    FROM scored_conversations s
    WHERE s.intent NOT IN ('unclassified', 'contact_human', 'complaint')
      AND s.release IS NOT NULL
),
pairs AS (
    SELECT
        release,
        intent,
        count(*)::double precision AS n1,
        sum(failed)::double precision AS f1,
        sum(count(*)) OVER (PARTITION BY intent)::double precision AS n,
        sum(sum(failed)) OVER (PARTITION BY intent)::double precision AS f
    FROM outcomes
    GROUP BY release, intent
),
top AS (
    SELECT
        release,
        intent,
        n1,
        f1 / n1 AS failed_share,
        (f - f1) / (n - n1) AS failed_elsewhere,
        (f1 / n1 - (f - f1) / (n - n1))
            / sqrt(f / n * (1 - f / n) * (1 / n1 + 1 / (n - n1))) AS z
    FROM pairs
    WHERE n1 >= 15
      AND n - n1 >= 15
      AND f > 0
      AND f < n
    ORDER BY z DESC, release, intent
    LIMIT 1
),
behind AS (
    SELECT
        min(t.release) AS release,
        min(t.intent) AS intent,
        min(t.n1)::bigint AS conversations,
        min(t.failed_share) AS failed_share,
        min(t.failed_elsewhere) AS failed_elsewhere,
        avg(CASE WHEN c.attributes LIKE '%"scenario":"onboarding"%' THEN 1.0 ELSE 0.0 END)
            AS true_share
    FROM top t
    JOIN outcomes o ON o.release = t.release AND o.intent = t.intent
    JOIN conversations c ON c.conversation_id = o.conversation_id
)
SELECT
    'release ' || release || ', intent ' || intent || ': ' || round(100 * failed_share)
        || ' % of ' || conversations || ' conversations go wrong, '
        || round(100 * failed_elsewhere) || ' % in other releases; ' || round(100 * true_share)
        || ' % of them are about onboarding' AS found,
    coalesce(release = $broken_release AND true_share > 0.5, false) AS holds
FROM behind
