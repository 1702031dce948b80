-- What happened to a conversation beside its messages; append only.
CREATE TABLE events (
    -- The conversation, `<source>:<native id>`.
    conversation_id text NOT NULL,
    -- Id of the event, unique in its conversation.
    event_id text NOT NULL,
    -- The system the event came from, as named at import.
    source text NOT NULL,
    -- The native id of the conversation in its source.
    source_conversation_id text,
    -- When it happened.
    at timestamptz NOT NULL,
    -- created, assigned, queued, joined, hold, unhold, transferred, escalation_requested, handoff, escalated, status_changed, reopened, resolved, survey_sent, article_shown or bot_fallback.
    event_type text NOT NULL,
    -- customer, agent, bot, system or supervisor.
    actor_type text,
    -- Who did it, as the source names them.
    actor_id text,
    -- Why it happened.
    cause text,
    -- What was so before.
    from_value text,
    -- What is so afterwards.
    to_value text,
    -- The turn at which it happened.
    turn_index integer,
    -- Whatever else the source carried, as a JSON object.
    attributes jsonb,
    -- Columns of this row that the importer had to make up.
    made text[],
    -- When the row was written to the lake.
    ingested_at timestamptz,
    PRIMARY KEY (conversation_id, event_id)
) WITH (
    sort = 'at',
    statistics = 'source, at, event_type, actor_type, ingested_at',
    bloom = 'conversation_id'
);
