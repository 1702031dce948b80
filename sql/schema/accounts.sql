-- Customers' accounts (companies or contracts) with what churn and retention are measured against.
CREATE TABLE accounts (
    -- Id of the account.
    account_id text NOT NULL PRIMARY KEY,
    -- Name of the account.
    name text,
    -- Segment, such as smb or enterprise.
    segment text,
    -- Plan, such as trial or pro.
    plan text,
    -- Monthly recurring revenue, in the lake's currency.
    mrr double precision,
    -- When the account began.
    created_at timestamptz,
    -- When the contract is next renewed.
    renewal_at timestamptz,
    -- When the account left; NULL: it has not.
    churned_at timestamptz,
    -- The account is on trial.
    is_trial boolean,
    -- Whatever else the source carried, as a JSON object.
    attributes jsonb,
    -- Time of this version; the latest is the one that counts.
    version_at timestamptz NOT NULL,
    -- When the row was written to the lake.
    ingested_at timestamptz,
    -- true: the row is gone from this version on.
    is_deleted boolean
) WITH (
    sort = 'version_at',
    statistics = 'segment, plan, version_at, ingested_at, is_deleted',
    bloom = 'account_id'
);
