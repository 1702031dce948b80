-- parameter: broken_release text = '4.2.0'
-- Demo: in which release does which topic go wrong most, against the same topic in other releases?
--
-- A conversation goes wrong where it is not resolved or the customer asks for more than the agent. The
-- pair of release and topic with the highest z of the difference between two shares is what is found.
WITH outcomes AS (
    SELECT
        s.conversation_id,
        s.release,
        s.topic,
        (s.status NOT IN ('resolved', 'closed') OR s.escalation_requested)::integer AS failed
    FROM scored_conversations s
    WHERE s.topic <> 'unclassified'
      AND s.release IS NOT NULL
),
pairs AS (
    SELECT
        release,
        topic,
        count(*)::double precision AS n1,
        sum(failed)::double precision AS f1,
        sum(count(*)) OVER (PARTITION BY topic)::double precision AS n,
        sum(sum(failed)) OVER (PARTITION BY topic)::double precision AS f
    FROM outcomes
    GROUP BY release, topic
),
top AS (
    SELECT
        release,
        topic,
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
    ORDER BY z DESC, release, topic
    LIMIT 1
),
behind AS (
    SELECT
        min(t.release) AS release,
        min(t.topic) AS topic,
        min(t.n1)::bigint AS conversations,
        min(t.failed_share) AS failed_share,
        min(t.failed_elsewhere) AS failed_elsewhere,
        avg(CASE WHEN c.attributes LIKE '%"scenario":"onboarding"%' THEN 1.0 ELSE 0.0 END)
            AS true_share
    FROM top t
    JOIN outcomes o ON o.release = t.release AND o.topic = t.topic
    JOIN conversations c ON c.conversation_id = o.conversation_id
)
SELECT
    'release ' || release || ', topic ' || topic || ': ' || round(100 * failed_share)
        || ' % of ' || conversations || ' conversations go wrong, '
        || round(100 * failed_elsewhere) || ' % in other releases; ' || round(100 * true_share)
        || ' % of them are about onboarding' AS found,
    coalesce(release = $broken_release AND true_share > 0.5, false) AS holds
FROM behind
