-- Agent outcome pattern: which things that agents do go with better outcomes.
--
-- Grain: one row per trait of agent_outcomes. Conversations are compared within the same intent and
-- channel and put together by Mantel and Haenszel's weights; a stratum in which all or none have the
-- trait says nothing and weighs nothing.
-- with_trait, without_trait: conversations; success_with, success_without: their plain success rates.
-- ratio: P(success | trait) / P(success | no trait), of the strata together; ratio_low, ratio_high: its
-- 95 % interval (Greenland and Robins' variance of the log ratio). Above 1 goes with better outcomes; it is
-- not thereby a cause. NULL where no stratum can be compared or one side never succeeds.
WITH strata AS (
    SELECT
        intent,
        channel,
        count(*) AS n,
        sum(numerator) AS wins,
        count(*) FILTER (WHERE apologises) AS apologises_n,
        sum(numerator) FILTER (WHERE apologises) AS apologises_wins,
        count(*) FILTER (WHERE acknowledges) AS acknowledges_n,
        sum(numerator) FILTER (WHERE acknowledges) AS acknowledges_wins,
        count(*) FILTER (WHERE asks_question) AS asks_question_n,
        sum(numerator) FILTER (WHERE asks_question) AS asks_question_wins,
        count(*) FILTER (WHERE tells_next_step) AS tells_next_step_n,
        sum(numerator) FILTER (WHERE tells_next_step) AS tells_next_step_wins,
        count(*) FILTER (WHERE confirms) AS confirms_n,
        sum(numerator) FILTER (WHERE confirms) AS confirms_wins,
        count(*) FILTER (WHERE thanks) AS thanks_n,
        sum(numerator) FILTER (WHERE thanks) AS thanks_wins,
        count(*) FILTER (WHERE links_article) AS links_article_n,
        sum(numerator) FILTER (WHERE links_article) AS links_article_wins,
        count(*) FILTER (WHERE keeps_ownership) AS keeps_ownership_n,
        sum(numerator) FILTER (WHERE keeps_ownership) AS keeps_ownership_wins
    FROM agent_outcomes
    GROUP BY intent, channel
),
cells AS (
    SELECT
        trait,
        n::double precision AS n,
        CASE trait
            WHEN 'apologises' THEN apologises_n
            WHEN 'acknowledges' THEN acknowledges_n
            WHEN 'asks_question' THEN asks_question_n
            WHEN 'tells_next_step' THEN tells_next_step_n
            WHEN 'confirms' THEN confirms_n
            WHEN 'thanks' THEN thanks_n
            WHEN 'links_article' THEN links_article_n
            WHEN 'keeps_ownership' THEN keeps_ownership_n
        END::double precision AS n1,
        coalesce(CASE trait
            WHEN 'apologises' THEN apologises_wins
            WHEN 'acknowledges' THEN acknowledges_wins
            WHEN 'asks_question' THEN asks_question_wins
            WHEN 'tells_next_step' THEN tells_next_step_wins
            WHEN 'confirms' THEN confirms_wins
            WHEN 'thanks' THEN thanks_wins
            WHEN 'links_article' THEN links_article_wins
            WHEN 'keeps_ownership' THEN keeps_ownership_wins
        END, 0)::double precision AS wins1,
        wins::double precision AS wins
    FROM strata
    CROSS JOIN (
        VALUES
            ('apologises'),
            ('acknowledges'),
            ('asks_question'),
            ('tells_next_step'),
            ('confirms'),
            ('thanks'),
            ('links_article'),
            ('keeps_ownership')
    ) AS traits (trait)
),
sums AS (
    SELECT
        trait,
        sum(n1)::bigint AS with_trait,
        sum(n - n1)::bigint AS without_trait,
        sum(wins1) / nullif(sum(n1), 0) AS success_with,
        sum(wins - wins1) / nullif(sum(n - n1), 0) AS success_without,
        sum(wins1 * (n - n1) / n) AS r,
        sum((wins - wins1) * n1 / n) AS s,
        sum((n1 * (n - n1) * wins - wins1 * (wins - wins1) * n) / (n * n)) AS p
    FROM cells
    GROUP BY trait
)
SELECT
    trait,
    with_trait,
    without_trait,
    success_with,
    success_without,
    CASE WHEN r > 0 AND s > 0 THEN r / s END AS ratio,
    CASE WHEN r > 0 AND s > 0 THEN exp(ln(r / s) - 1.96 * sqrt(p / (r * s))) END AS ratio_low,
    CASE WHEN r > 0 AND s > 0 THEN exp(ln(r / s) + 1.96 * sqrt(p / (r * s))) END AS ratio_high
FROM sums
