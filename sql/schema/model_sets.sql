-- A model per function: what messages.scored_by names.
CREATE TABLE model_sets (
    -- Id of the set.
    set_id text NOT NULL,
    -- The function.
    function text NOT NULL,
    -- The model that serves the function in this set.
    model_id text NOT NULL,
    -- Time of this version; the latest is the one that counts.
    version_at timestamptz NOT NULL,
    -- When the row was written to the lake.
    ingested_at timestamptz,
    -- true: the row is gone from this version on.
    is_deleted boolean,
    PRIMARY KEY (set_id, function)
) WITH (sort = 'version_at', statistics = 'set_id, function, version_at, ingested_at, is_deleted');
