-- Customer turns that are public, current and have text: the thing to average over.
--
-- Grain: one row per turn. `messages` shows the latest version of a turn and no deleted one, so
-- that only role, privacy and text are left to ask for.
SELECT *
FROM messages
WHERE role = 'customer'
  AND NOT is_private
  AND text IS NOT NULL
  AND btrim(text) <> ''
