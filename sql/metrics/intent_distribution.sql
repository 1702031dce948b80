-- Intent distribution: number and share of conversations per intent over the whole lake.
--
-- Grain: one row per intent, `unclassified` among them. share: of all conversations with a public
-- customer turn, 0..1, adds up to 1. For another grouping or a period, group the view
-- conversation_intents.
SELECT
    intent,
    count(*) AS conversations,
    count(*)::double precision / sum(count(*)) OVER () AS share
FROM conversation_intents
GROUP BY intent
