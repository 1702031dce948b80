-- Who did what; append only.
CREATE TABLE audit_log (
    -- Id of the entry.
    audit_id text NOT NULL PRIMARY KEY,
    -- When it happened.
    at timestamptz NOT NULL,
    -- The user; NULL: the engine itself.
    user_name text,
    -- What was done, such as login, grant or erase.
    action text NOT NULL,
    -- What it was done to.
    object text,
    -- Whether it was allowed.
    allowed boolean,
    -- Address of the client.
    client text,
    -- More, as a JSON object; never a customer's words.
    detail jsonb,
    -- When the row was written to the lake.
    ingested_at timestamptz
) WITH (sort = 'at', statistics = 'at, action, allowed, ingested_at');
