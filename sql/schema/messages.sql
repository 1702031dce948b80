-- One row per turn of a conversation: the input of the functions, with the scores computed at write.
CREATE TABLE messages (
    -- The conversation, `<source>:<native id>`.
    conversation_id text NOT NULL,
    -- Id of the turn, unique in its conversation.
    message_id text NOT NULL,
    -- The system the message came from, as named at import.
    source text NOT NULL,
    -- The native id of the conversation in its source.
    source_conversation_id text,
    -- The native id of the message in its source.
    source_message_id text,
    -- Position of the turn in its conversation, from 0.
    turn_index integer,
    -- customer, agent, bot, tool, system or supervisor.
    role text NOT NULL,
    -- Who wrote it, as the source names them.
    author_id text,
    -- When it was sent; of voice: the start of the utterance.
    sent_at timestamptz NOT NULL,
    -- Start of the utterance in the recording, in milliseconds.
    begin_ms bigint,
    -- End of the utterance in the recording, in milliseconds.
    end_ms bigint,
    -- The words; NULL where the turn is a tool call or an attachment.
    text text,
    -- message, note, tool_call, attachment, …
    content_type text,
    -- A private note; never counts as a reply.
    is_private boolean NOT NULL DEFAULT false,
    -- Channel of the conversation.
    channel text,
    -- Account of the conversation.
    account_id text,
    -- The customer of the conversation as the source named them.
    source_customer_id text,
    -- Confidence of the speech recognition, 0 to 1.
    asr_confidence double precision,
    -- Whatever else the source carried, as a JSON object.
    attributes jsonb,
    -- Columns of this row that the importer had to make up.
    made text[],
    -- When the row was written to the lake.
    ingested_at timestamptz,
    -- When this version of an edited message was made; NULL: never edited.
    edited_at timestamptz,
    -- true: the message is gone from this version on.
    is_deleted boolean,
    -- Polarity times intensity of the text, -1 to 1.
    sentiment double precision,
    -- negative, neutral, positive or mixed.
    sentiment_label text,
    -- Label of the customer's intent; `unclassified` below the calibrated threshold.
    intent text,
    -- Calibrated probability of the intent, 0 to 1.
    intent_score double precision,
    -- Number of the topic, named by topic_label(); 0: unclassified; from 10000 on: of a model of one's own.
    topic_id integer,
    -- Ease of the turn, -5 (hard) to 5 (easy), never exactly 0; NULL: no signal.
    effort_score double precision,
    -- The explainable parts of the turn, see effort_features().
    effort_features real[],
    -- Risk that the author leaves, 0 to 1.
    churn_risk double precision,
    -- The author asks for a human or a manager, or threatens to escalate.
    escalation_request boolean,
    -- churn, distrust, escalation, legal, safety, vulnerability.
    risk_signals text[],
    -- ISO 639-1 code of the language where it is reliable.
    detected_language text,
    -- The model set that wrote the scores.
    scored_by text,
    PRIMARY KEY (conversation_id, message_id)
) WITH (
    sort = 'sent_at',
    statistics = 'source, turn_index, role, sent_at, content_type, is_private, channel, ingested_at, edited_at, is_deleted, sentiment, sentiment_label, intent, intent_score, topic_id, effort_score, churn_risk, escalation_request, detected_language, scored_by',
    bloom = 'conversation_id, source_customer_id'
);
