-- One row per conversation; a change of status, owner or survey answer is a new version of the row.
CREATE TABLE conversations (
    -- Unique in the lake: `<source>:<native id>`.
    conversation_id text NOT NULL PRIMARY KEY,
    -- The system the conversation came from, as named at import.
    source text NOT NULL,
    -- The native id of the conversation in its source.
    source_conversation_id text,
    -- Link back to the conversation in its source.
    source_url text,
    -- A case that spans several contacts.
    thread_id text,
    -- The contact before this one in the same case.
    previous_conversation_id text,
    -- chat, email, ticket, voice, sms, social or review.
    channel text NOT NULL,
    -- The customer as the source named them; the resolved customer comes from customer_identities.
    source_customer_id text,
    -- The account (company) of the customer, see table accounts.
    account_id text,
    -- The visit or app session in which the conversation began.
    session_id text,
    -- Segment of the customer at the time of the conversation.
    customer_segment text,
    -- Plan of the customer at the time of the conversation, such as trial or pro.
    plan text,
    -- Release of the product in use, see table releases.
    release text,
    -- When the conversation began.
    started_at timestamptz NOT NULL,
    -- When a human agent first took part.
    first_human_at timestamptz,
    -- When the conversation ended; NULL while it is open.
    ended_at timestamptz,
    -- When anything last happened in the conversation.
    last_activity_at timestamptz,
    -- open, pending, hold, resolved or closed.
    status text,
    -- bot, agent, customer or timeout; NULL while it is not resolved.
    resolved_by text,
    -- Priority as the source names it.
    priority text,
    -- Outcome code as the source names it.
    disposition text,
    -- The queue that holds or held the conversation.
    queue_id text,
    -- The team of the primary agent.
    team_id text,
    -- The agent who owns the conversation, see table agents.
    primary_agent_id text,
    -- The bot that answered first.
    bot_id text,
    -- Version of that bot.
    bot_version text,
    -- ISO 639-1 code of the main language as the source named it.
    language text,
    -- Subject line or title.
    subject text,
    -- Satisfaction answer on the survey's own scale.
    csat double precision,
    -- Effort answer (customer effort score) on the survey's own scale.
    ces double precision,
    -- Recommendation answer, 0 to 10.
    nps double precision,
    -- Labels that the source put on the conversation.
    tags text[],
    -- Whatever else the source carried, as a JSON object.
    attributes jsonb,
    -- When retention removes the conversation; NULL: never.
    retention_expires_at timestamptz,
    -- Columns of this row that the importer had to make up.
    made text[],
    -- Time of this version; the latest is the one that counts.
    version_at timestamptz NOT NULL,
    -- When the row was written to the lake.
    ingested_at timestamptz,
    -- true: the row is gone from this version on.
    is_deleted boolean
) WITH (
    sort = 'started_at',
    statistics = 'source, channel, started_at, status, version_at, ingested_at, is_deleted',
    bloom = 'conversation_id, source_customer_id'
);
