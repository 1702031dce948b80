-- What was used, for billing and capacity; append only.
CREATE TABLE usage (
    -- Id of the entry.
    usage_id text NOT NULL PRIMARY KEY,
    -- Start of the period.
    period_start timestamptz NOT NULL,
    -- End of the period.
    period_end timestamptz,
    -- The user or job.
    principal text,
    -- What is counted, such as messages_scored or queries.
    metric text NOT NULL,
    -- How much.
    amount double precision NOT NULL,
    -- When the row was written to the lake.
    ingested_at timestamptz
) WITH (sort = 'period_start', statistics = 'period_start, metric, ingested_at');
