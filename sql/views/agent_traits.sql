-- What agents do in a conversation, told from their words: the traits of the agent outcome pattern.
--
-- Grain: one row per conversation with a public turn of a human agent. Each flag is true where at least
-- one such turn has the trait. The phrases are English.
SELECT
    conversation_id,
    bool_or(text ~* '\b(sorry|apolog)') AS apologises,
    bool_or(text ~* '(i|we) (can )?(completely |fully |totally |really )?(understand|appreciate|hear you|see why|get why)|must be (frustrating|annoying)|that sounds') AS acknowledges,
    bool_or(text LIKE '%?%') AS asks_question,
    bool_or(text ~* 'next step|what happens next|(i|we)(''ll| will) (follow up|check back|let you know|update you|get back|keep you)|you(''ll| will) (get|receive|see|hear)') AS tells_next_step,
    bool_or(text ~* '(so|just) (to|let me) (confirm|recap|summari[sz]e|make sure)|to (sum up|summari[sz]e|recap)|did that (help|work|solve|fix)|is (it|everything) (working|sorted)') AS confirms,
    bool_or(text ~* '\b(thank|thanks)') AS thanks,
    bool_or(text ~* 'https?://') AS links_article,
    count(*) AS agent_turns
FROM messages
WHERE role IN ('agent', 'supervisor')
  AND NOT is_private
  AND text IS NOT NULL
GROUP BY conversation_id
