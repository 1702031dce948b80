-- How far the lake has seen: one row, the time up to which "nothing happened" is known.
--
-- The latest activity in the lake and never later than now. A window that ends after it has not
-- fully elapsed, so a rate over windows leaves it out; a lake that was imported long ago does not
-- pretend to know what came after its last conversation.
SELECT least(max(coalesce(last_activity_at, ended_at, started_at)), now()) AS observed_until
FROM conversations
