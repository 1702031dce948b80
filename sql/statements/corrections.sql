-- The corrections of one function, the newest first: of two with the same text the newer one counts.
SELECT text, label
FROM verbatim.training_corrections
WHERE function = $1
ORDER BY corrected_at DESC, conversation_id, message_id
