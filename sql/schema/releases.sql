-- Releases of the product, to set what customers say against what was shipped.
CREATE TABLE releases (
    -- Name of the release, as conversations.release names it.
    release text NOT NULL PRIMARY KEY,
    -- The product or component.
    product text,
    -- When it was released.
    released_at timestamptz,
    -- What changed.
    notes text,
    -- Whatever else the source carried, as a JSON object.
    attributes jsonb,
    -- Time of this version; the latest is the one that counts.
    version_at timestamptz NOT NULL,
    -- When the row was written to the lake.
    ingested_at timestamptz,
    -- true: the row is gone from this version on.
    is_deleted boolean
) WITH (sort = 'version_at', statistics = 'release, product, released_at, version_at, ingested_at, is_deleted');
