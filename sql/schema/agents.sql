-- The people who answer customers.
CREATE TABLE agents (
    -- Id of the agent, as conversations.primary_agent_id and messages.author_id name them.
    agent_id text NOT NULL PRIMARY KEY,
    -- Name of the agent.
    name text,
    -- The agent's team.
    team_id text,
    -- The agent's supervisor.
    supervisor_id text,
    -- When the agent began.
    hired_at timestamptz,
    -- Whatever else the source carried, as a JSON object.
    attributes jsonb,
    -- Time of this version; the latest is the one that counts.
    version_at timestamptz NOT NULL,
    -- When the row was written to the lake.
    ingested_at timestamptz,
    -- true: the row is gone from this version on.
    is_deleted boolean
) WITH (sort = 'version_at', statistics = 'version_at, ingested_at, is_deleted');
