-- Reviews of conversations by quality assurance.
CREATE TABLE qa_reviews (
    -- Id of the review.
    review_id text NOT NULL PRIMARY KEY,
    -- The conversation.
    conversation_id text NOT NULL,
    -- The agent under review.
    agent_id text,
    -- Who reviewed.
    reviewer text,
    -- The scorecard in use.
    scorecard text,
    -- Grade on the scorecard's own scale.
    score double precision,
    -- Whether the conversation passed.
    passed boolean,
    -- Words of the reviewer.
    comment text,
    -- The answers on the scorecard, as a JSON object.
    answers jsonb,
    -- When it was reviewed.
    reviewed_at timestamptz,
    -- Time of this version; the latest is the one that counts.
    version_at timestamptz NOT NULL,
    -- When the row was written to the lake.
    ingested_at timestamptz,
    -- true: the row is gone from this version on.
    is_deleted boolean
) WITH (sort = 'version_at', statistics = 'scorecard, reviewed_at, version_at, ingested_at, is_deleted', bloom = 'conversation_id');
