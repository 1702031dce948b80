-- What the customer's own words say, added up per conversation.
--
-- Grain: one row per conversation that has a public customer turn. Sums and counts stand beside
-- each other so that any group's mean is sum / count; a turn with a NULL score is in neither.
-- intent and topic: the first turn that is not `unclassified`, in the order of the turns;
-- `unclassified` where no turn is. start_sentiment, end_sentiment, sentiment_trend: see
-- sentiment_score.
-- last_sentiment: of the last turn that has one. repeated_information: a turn with the part `repeats`,
-- the seventh of effort_features(text).
SELECT
    conversation_id,
    count(*) AS customer_turns,
    sum(sentiment(text)) AS sentiment_sum,
    count(sentiment(text)) AS sentiment_turns,
    count(*) FILTER (WHERE sentiment_label(text) = 'positive') AS positive_turns,
    count(*) FILTER (WHERE sentiment_label(text) = 'negative') AS negative_turns,
    conversation_sentiment_detail(role, sentiment(text), sent_at, turn_index)['start_score']
        AS start_sentiment,
    conversation_sentiment_detail(role, sentiment(text), sent_at, turn_index)['end_score']
        AS end_sentiment,
    conversation_sentiment_detail(role, sentiment(text), sent_at, turn_index)['trend']
        AS sentiment_trend,
    last_value(sentiment(text) ORDER BY turn_index, sent_at)
        FILTER (WHERE sentiment(text) IS NOT NULL) AS last_sentiment,
    sum(effort_score(text)) AS effort_sum,
    count(effort_score(text)) AS effort_turns,
    coalesce(
        first_value(intent(text) ORDER BY turn_index, sent_at)
            FILTER (WHERE intent(text) <> 'unclassified'),
        'unclassified'
    ) AS intent,
    coalesce(
        first_value(topic(text) ORDER BY turn_index, sent_at)
            FILTER (WHERE topic(text) <> 'unclassified'),
        'unclassified'
    ) AS topic,
    coalesce(bool_or(escalation_request(text)), false) AS escalation_requested,
    max(churn_risk(text)) AS churn_risk,
    coalesce(bool_or(effort_features(text)[7] > 0), false) AS repeated_information
FROM messages
WHERE role = 'customer'
  AND NOT is_private
GROUP BY conversation_id
