-- parameter: minimum_count integer = 10
-- parameter: minimum_score double precision = 3
-- measure: share = numerator / all
-- Topic frequency: conversations per topic and day, with a score for what is unusual.
--
-- Grain: one row per topic and UTC day on which the topic occurs. Source: topic of conversations
-- with a public customer turn; `unclassified` keeps its rows; a conversation whose begin the importer
-- had to make up has no day and is left out.
-- share: of the day's conversations. expected: mean count of the same weekday over the last four
-- weeks that the lake holds (weeks: how many, 0..4), days without the topic counting 0; NULL where
-- weeks = 0.
-- spike_score: how far the day's count k departs from the n of the same weekday before, as the signed
-- root of the likelihood ratio of two Poisson rates; about a standard normal where nothing changed.
-- With N = k + n over weeks + 1 days:
--   sign * sqrt(2 * (k ln(k (weeks + 1) / N) + n ln(n (weeks + 1) / (weeks N)))).
-- is_spike: spike_score >= minimum_score and k >= minimum_count.
-- is_process_topic: the topic is that of more than 30 % of all conversations, so that it says how
-- people work and not what is wrong.
-- started_at: the begin of the day, so that metric() can group by a period.
-- A period's share of a topic: its sum(conversations) / the sum(conversations) of all topics.
WITH daily AS (
    SELECT topic, day, extract(epoch FROM day) / 86400 AS day_number, count(*) AS conversations
    FROM scored_conversations
    WHERE NOT time_made
    GROUP BY topic, day
),
compared AS (
    SELECT
        topic,
        day,
        conversations,
        sum(conversations) OVER (PARTITION BY day) AS day_conversations,
        sum(conversations) OVER (PARTITION BY topic)::double precision
            / sum(conversations) OVER () AS overall_share,
        coalesce(
            sum(conversations) OVER (
                PARTITION BY topic, extract(dow FROM day)
                ORDER BY day
                RANGE BETWEEN INTERVAL '28 days' PRECEDING AND INTERVAL '7 days' PRECEDING
            ),
            0
        )::double precision AS earlier,
        least(4, floor((day_number - min(day_number) OVER ()) / 7)) AS weeks
    FROM daily
),
spread AS (
    SELECT
        compared.*,
        earlier / nullif(weeks, 0) AS expected,
        2 * (
            conversations * ln(conversations * (weeks + 1) / (conversations + earlier))
            + coalesce(
                earlier * ln(
                    nullif(earlier, 0) * (weeks + 1)
                    / (nullif(weeks, 0) * (conversations + earlier))
                ),
                0
            )
        ) AS likelihood_ratio
    FROM compared
),
scored AS (
    SELECT
        spread.*,
        CASE
            WHEN expected IS NULL THEN NULL
            WHEN conversations < expected THEN -sqrt(greatest(likelihood_ratio, 0))
            ELSE sqrt(greatest(likelihood_ratio, 0))
        END AS spike_score
    FROM spread
)
SELECT
    topic,
    day,
    conversations,
    day_conversations,
    conversations::double precision / day_conversations AS share,
    weeks,
    expected,
    spike_score,
    coalesce(spike_score >= $minimum_score AND conversations >= $minimum_count, false) AS is_spike,
    overall_share,
    overall_share > 0.3 AS is_process_topic,
    conversations AS numerator,
    day_conversations AS denominator,
    day AS started_at
FROM scored
