-- Models of one's own and those of the program: what answers which function, how it was trained and measured.
CREATE TABLE models (
    -- Name that calls give; default: the program's own model.
    name text NOT NULL,
    -- The function it serves, such as intent.
    function text NOT NULL,
    -- Whether it answers calls of the function that name no model.
    is_active boolean NOT NULL,
    -- The labels it can answer, without unclassified; NULL where it answers with numbers or other types.
    labels text[],
    -- Number of labelled rows it was trained on, corrections among them; NULL for patterns and for a classifier that was trained elsewhere.
    training_rows bigint,
    -- Share of right answers on held-out rows, 0 to 1; NULL where it was not measured in this lake.
    accuracy double precision,
    -- Mean F1 over the labels on held-out rows, 0 to 1; NULL where it was not measured in this lake.
    macro_f1 double precision,
    -- When it was trained; NULL for the program's own.
    trained_at timestamptz,
    -- User who made it; NULL for the program's own and for those of the local superuser.
    owner text,
    -- How it works: linear, patterns or, with an ONNX graph of the user's, onnx.
    kind text,
    -- The model's identity: the hash of its content.
    model_id text NOT NULL,
    -- The rest of the card, as a JSON object.
    card jsonb,
    PRIMARY KEY (name, function)
);
