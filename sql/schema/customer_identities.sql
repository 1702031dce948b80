-- Which customer a source's own customer id belongs to; merging two customers changes rows here and nowhere else.
CREATE TABLE customer_identities (
    -- The system that gave the id.
    source text NOT NULL,
    -- The customer as that source names them.
    source_customer_id text NOT NULL,
    -- The resolved customer, the same across sources and channels.
    customer_id text NOT NULL,
    -- The account of the customer, see table accounts.
    account_id text,
    -- How the identity was found: import, rule or human.
    method text,
    -- Confidence of the match, 0 to 1.
    confidence double precision,
    -- Time of this version; the latest is the one that counts.
    version_at timestamptz NOT NULL,
    -- When the row was written to the lake.
    ingested_at timestamptz,
    -- true: the row is gone from this version on.
    is_deleted boolean,
    PRIMARY KEY (source, source_customer_id)
) WITH (
    sort = 'version_at',
    statistics = 'source, method, version_at, ingested_at, is_deleted',
    bloom = 'source_customer_id, customer_id'
);
