-- parameter: minimum_risk double precision = 0.65
-- Churn risk indicator, measured: do accounts that say so leave, and did those that left say so?
--
-- Grain: one row per horizon of 30, 60 and 90 days. Source: accounts and the public customer turns that
-- carry their account and a real time. A signal is such a turn, before the account churned, whose
-- churn_risk(text) is at least minimum_risk (0.65: level high).
-- signalled: accounts whose first signal is at least a horizon older than the end of what the lake has
-- seen; signalled_churned: those that churned within the horizon after it;
-- precision = signalled_churned / signalled.
-- churned: accounts that churned since the lake's first conversation; churned_signalled: those with a
-- signal within the horizon before; recall = churned_signalled / churned.
-- base_rate: churned / accounts, what precision is to be compared with. NULL where there is nothing to
-- divide by.
WITH signals AS (
    SELECT account_id, sent_at
    FROM messages
    WHERE role = 'customer'
      AND NOT is_private
      AND account_id IS NOT NULL
      AND churn_risk(text) >= $minimum_risk
      AND NOT coalesce(array_has(made, 'sent_at'), false)
),
lake AS (
    SELECT min(started_at) AS seen_from, min(observed_until) AS seen_until
    FROM conversations
    CROSS JOIN observation
    WHERE NOT coalesce(array_has(made, 'started_at'), false)
),
judged AS (
    SELECT
        h.days,
        a.account_id,
        bool_or(a.churned_at > l.seen_from) AS churned,
        min(s.sent_at) AS first_signal_at,
        min(a.churned_at) AS churned_at,
        bool_or(s.sent_at >= a.churned_at - h.horizon) AS signalled_before_churn,
        min(s.sent_at) + min(h.horizon) <= min(l.seen_until) AS mature,
        min(a.churned_at) <= min(s.sent_at) + min(h.horizon) AS churned_after_signal
    FROM accounts a
    CROSS JOIN lake l
    CROSS JOIN (
        VALUES (30, INTERVAL '30 days'), (60, INTERVAL '60 days'), (90, INTERVAL '90 days')
    ) AS h (days, horizon)
    LEFT JOIN signals s
        ON s.account_id = a.account_id
        AND s.sent_at < coalesce(a.churned_at, l.seen_until + INTERVAL '1 day')
    GROUP BY h.days, a.account_id
),
counted AS (
    SELECT
        days,
        count(*) AS accounts,
        count(*) FILTER (WHERE mature) AS signalled,
        count(*) FILTER (WHERE mature AND churned_after_signal) AS signalled_churned,
        count(*) FILTER (WHERE churned) AS churned,
        count(*) FILTER (WHERE churned AND signalled_before_churn) AS churned_signalled
    FROM judged
    GROUP BY days
)
SELECT
    days AS horizon_days,
    accounts,
    signalled,
    signalled_churned,
    signalled_churned::double precision / nullif(signalled, 0) AS precision,
    churned,
    churned_signalled,
    churned_signalled::double precision / nullif(churned, 0) AS recall,
    churned::double precision / nullif(accounts, 0) AS base_rate
FROM counted
