-- What the customer's own words say, added up per conversation.
--
-- Grain: one row per conversation that has a public customer turn. Sums and counts stand beside
-- each other so that any group's mean is sum / count; a turn with a NULL score is in neither.
-- intent and topic: the first turn that is not `unclassified`, in the order of time and turn;
-- `unclassified` where no turn is. start, end and trend of the sentiment: see sentiment_score.
-- last_sentiment: of the last turn that has one.
SELECT
    conversation_id,
    count(*) AS customer_turns,
    sum(sentiment(text)) AS sentiment_sum,
    count(sentiment(text)) AS sentiment_turns,
    count(*) FILTER (WHERE sentiment_label(text) = 'positive') AS positive_turns,
    count(*) FILTER (WHERE sentiment_label(text) = 'negative') AS negative_turns,
    conversation_sentiment_detail(role, sentiment(text), sent_at, turn_index) AS sentiment_course,
    last_value(sentiment(text) ORDER BY sent_at, turn_index)
        FILTER (WHERE sentiment(text) IS NOT NULL) AS last_sentiment,
    sum(effort_score(text)) AS effort_sum,
    count(effort_score(text)) AS effort_turns,
    coalesce(
        first_value(intent(text) ORDER BY sent_at, turn_index)
            FILTER (WHERE intent(text) <> 'unclassified'),
        'unclassified'
    ) AS intent,
    coalesce(
        first_value(topic(text) ORDER BY sent_at, turn_index)
            FILTER (WHERE topic(text) <> 'unclassified'),
        'unclassified'
    ) AS topic,
    coalesce(bool_or(escalation_request(text)), false) AS escalation_requested,
    max(churn_risk(text)) AS churn_risk,
    coalesce(
        bool_or(text ~* '(already|just) (said|told|explained|gave|sent|answered)|(as|like) i (said|mentioned|told)|told you|(again|third time|second time) .*explain|repeat(ing)? myself'),
        false
    ) AS repeated_information
FROM messages
WHERE role = 'customer'
  AND NOT is_private
GROUP BY conversation_id
