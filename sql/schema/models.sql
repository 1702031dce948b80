-- Models with their cards: what they do, how they were trained and measured.
CREATE TABLE models (
    -- Content hash of the model.
    model_id text NOT NULL PRIMARY KEY,
    -- Name that users give it.
    name text,
    -- The function it serves, such as intent.
    function text NOT NULL,
    -- How it works, such as linear.
    kind text,
    -- ISO 639-1 codes of the languages it covers.
    languages text[],
    -- Number of labelled rows it was trained on.
    training_rows bigint,
    -- Share of right answers on held-out rows, 0 to 1.
    accuracy double precision,
    -- Mean F1 over the labels on held-out rows, 0 to 1.
    macro_f1 double precision,
    -- The rest of the card, as a JSON object.
    card jsonb,
    -- Time of this version; the latest is the one that counts.
    version_at timestamptz NOT NULL,
    -- When the row was written to the lake.
    ingested_at timestamptz,
    -- true: the row is gone from this version on.
    is_deleted boolean
) WITH (sort = 'version_at', statistics = 'model_id, function, version_at, ingested_at, is_deleted');
