-- Judgements on conversations and messages by models, rules and people; a human correction has source = 'human'.
CREATE TABLE annotations (
    -- Id of the annotation, unique in the lake.
    annotation_id text NOT NULL PRIMARY KEY,
    -- The conversation.
    conversation_id text NOT NULL,
    -- The message; NULL: the whole conversation.
    message_id text,
    -- Who or what made the annotation.
    annotator text,
    -- What is judged, such as intent or topic.
    label text NOT NULL,
    -- The judgement.
    value text,
    -- Confidence or grade, as the annotator defines it.
    score double precision,
    -- First character of the span in the text, from 0.
    start_char integer,
    -- Character after the span's last one.
    end_char integer,
    -- The words that led to the judgement.
    evidence text,
    -- The model that made it.
    model_id text,
    -- model, rule or human.
    source text NOT NULL,
    -- Time of this version; the latest is the one that counts.
    version_at timestamptz NOT NULL,
    -- When the row was written to the lake.
    ingested_at timestamptz,
    -- true: the row is gone from this version on.
    is_deleted boolean
) WITH (
    sort = 'version_at',
    statistics = 'label, source, model_id, version_at, ingested_at, is_deleted',
    bloom = 'annotation_id, conversation_id'
);
