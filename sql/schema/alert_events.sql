-- One row per alert raised, from the signal to the intervention.
CREATE TABLE alert_events (
    -- Id of the alert event; the same signal gives the same id.
    alert_event_id text NOT NULL PRIMARY KEY,
    -- Name of the alert rule.
    alert text NOT NULL,
    -- low, medium, high or critical.
    severity text,
    -- open, assigned, intervened, resolved or dismissed.
    status text,
    -- The conversation that raised it.
    conversation_id text,
    -- The message that raised it.
    message_id text,
    -- The account concerned.
    account_id text,
    -- Who is to act.
    owner text,
    -- Why it was raised, in words.
    reason text,
    -- The values that met the rule, as a JSON object.
    evidence jsonb,
    -- When the customer said or did it.
    signal_at timestamptz,
    -- When the rule saw it.
    detected_at timestamptz,
    -- When it got an owner.
    assigned_at timestamptz,
    -- When somebody acted.
    intervened_at timestamptz,
    -- When it was closed.
    resolved_at timestamptz,
    -- Time of this version; the latest is the one that counts.
    version_at timestamptz NOT NULL,
    -- When the row was written to the lake.
    ingested_at timestamptz,
    -- true: the row is gone from this version on.
    is_deleted boolean
) WITH (sort = 'detected_at', statistics = 'alert, severity, status, signal_at, detected_at, version_at, ingested_at, is_deleted', bloom = 'alert_event_id');
