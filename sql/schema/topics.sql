-- The taxonomy of a topic model: renaming or merging a topic changes a row here and rewrites no message.
CREATE TABLE topics (
    -- The model that gives the numbers.
    model_id text NOT NULL,
    -- The topic's number in that model, as messages.topic_id names it.
    topic_id integer NOT NULL,
    -- Name of the topic.
    label text NOT NULL,
    -- The topic that this one is shown as; NULL: itself.
    merged_into integer,
    -- What the topic is about.
    description text,
    -- Time of this version; the latest is the one that counts.
    version_at timestamptz NOT NULL,
    -- When the row was written to the lake.
    ingested_at timestamptz,
    -- true: the row is gone from this version on.
    is_deleted boolean,
    PRIMARY KEY (model_id, topic_id)
) WITH (sort = 'version_at', statistics = 'model_id, topic_id, version_at, ingested_at, is_deleted');
