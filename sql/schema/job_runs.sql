-- One row per run of a job.
CREATE TABLE job_runs (
    -- Id of the run.
    run_id text NOT NULL PRIMARY KEY,
    -- Name of the job.
    job text NOT NULL,
    -- running, succeeded or failed.
    status text NOT NULL,
    -- When it began.
    started_at timestamptz,
    -- When it ended; NULL while it runs.
    ended_at timestamptz,
    -- Rows it wrote.
    rows_written bigint,
    -- What went wrong.
    error text,
    -- Time of this version; the latest is the one that counts.
    version_at timestamptz NOT NULL,
    -- When the row was written to the lake.
    ingested_at timestamptz,
    -- true: the row is gone from this version on.
    is_deleted boolean
) WITH (sort = 'started_at', statistics = 'job, status, started_at, version_at, ingested_at, is_deleted');
