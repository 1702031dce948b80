-- How far the lake has seen: one row, the time up to which "nothing happened" is known.
--
-- The latest activity in the lake and never later than now. A window that ends after it has not
-- fully elapsed, so a rate over windows leaves it out; a lake that was imported long ago does not
-- pretend to know what came after its last conversation. A conversation with a time that the importer had
-- to make up is left out. NULL where the lake has no real time.
SELECT least(max(coalesce(last_activity_at, ended_at, started_at)), now()) AS observed_until
FROM conversations
WHERE NOT coalesce(
    array_has(made, 'started_at') OR array_has(made, 'last_activity_at') OR array_has(made, 'ended_at'),
    false
)
