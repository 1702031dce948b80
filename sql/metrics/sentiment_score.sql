-- measure: sentiment = numerator / denominator
-- Sentiment score: how customers feel, from -1 to 1, overall and over the course of a conversation.
--
-- Grain: one row per conversation with a scored customer turn. Source: sentiment(text) of public
-- customer turns; a turn whose score is NULL counts nowhere.
-- A group's score: sum(numerator) / sum(denominator), the mean over its turns.
-- overall: mean of the conversation's turns. start_score, end_score: mean of the first and of the
-- last third; trend: (end_score - start_score) / 2; all three NULL below 6 turns.
-- score_5: the form on -5..5 that users of contact-centre suites know,
-- 5 * (positive - negative) / turns.
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
    intent,
    topic,
    started_at,
    time_made,
    sentiment_sum / sentiment_turns AS overall,
    start_sentiment AS start_score,
    end_sentiment AS end_score,
    sentiment_trend AS trend,
    5.0 * (positive_turns - negative_turns) / sentiment_turns AS score_5,
    positive_turns,
    negative_turns,
    sentiment_sum AS numerator,
    sentiment_turns AS denominator
FROM scored_conversations
WHERE sentiment_turns > 0
