-- Opening hours: one row per calendar and day of the week.
CREATE TABLE business_hours (
    -- Name of the calendar; the one called `default` holds where a queue has none of its own.
    calendar text NOT NULL,
    -- Day of the week, 1 (Monday) to 7 (Sunday).
    weekday smallint NOT NULL,
    -- Minutes after local midnight at which the day opens.
    opens_minute integer,
    -- Minutes after local midnight at which the day closes.
    closes_minute integer,
    -- IANA time zone, such as Europe/Berlin.
    time_zone text,
    -- Time of this version; the latest is the one that counts.
    version_at timestamptz NOT NULL,
    -- When the row was written to the lake.
    ingested_at timestamptz,
    -- true: the row is gone from this version on.
    is_deleted boolean,
    PRIMARY KEY (calendar, weekday)
) WITH (sort = 'version_at', statistics = 'calendar, weekday, version_at, ingested_at, is_deleted');
