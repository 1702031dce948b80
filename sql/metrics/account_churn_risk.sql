-- parameter: look_back_days integer = 90
-- parameter: half_life_days double precision = 30
-- Churn risk indicator: the highest risk that an account's words carry now, with its evidence.
--
-- Grain: one row per account that has a public customer turn with a real time within look_back_days of
-- the end of what the lake has seen (view observation).
-- risk: highest churn_risk(text) of those turns after decay, score * 0.5 ^ (age / half_life_days),
-- 0..1. level: churn_risk_level of the decayed risk. evidence_*: the turn that gives
-- it, cue: the words in it; NULL where no turn carries a risk above 0. churned_at: as the account knows
-- it, to compare; the risk looks at nothing but words.
WITH turns AS (
    SELECT
        m.account_id,
        m.conversation_id,
        m.message_id,
        m.sent_at,
        churn_risk(m.text)
            * power(
                0.5,
                (extract(epoch FROM o.observed_until) - extract(epoch FROM m.sent_at))
                    / 86400.0 / $half_life_days
            ) AS risk
    FROM messages m
    CROSS JOIN observation o
    WHERE m.role = 'customer'
      AND NOT m.is_private
      AND m.account_id IS NOT NULL
      AND m.sent_at > o.observed_until - ($look_back_days || ' days')::interval
      AND NOT coalesce(array_has(m.made, 'sent_at'), false)
),
accounts_at_risk AS (
    SELECT
        account_id,
        count(*) AS customer_turns,
        coalesce(max(risk), 0) AS risk,
        first_value(conversation_id ORDER BY risk DESC, sent_at DESC, message_id)
            FILTER (WHERE risk > 0) AS conversation_id,
        first_value(message_id ORDER BY risk DESC, sent_at DESC, message_id)
            FILTER (WHERE risk > 0) AS message_id
    FROM turns
    GROUP BY account_id
)
SELECT
    r.account_id,
    a.name,
    a.segment,
    a.plan,
    a.mrr,
    a.renewal_at,
    a.churned_at,
    r.customer_turns,
    r.risk,
    churn_risk_level(r.risk) AS level,
    r.conversation_id AS evidence_conversation_id,
    r.message_id AS evidence_message_id,
    e.sent_at AS evidence_at,
    e.text AS evidence,
    churn_risk_detail(e.text)['cue'] AS cue
FROM accounts_at_risk r
LEFT JOIN accounts a ON a.account_id = r.account_id
LEFT JOIN messages e
    ON e.conversation_id = r.conversation_id AND e.message_id = r.message_id
