-- parameter: horizon_days integer = 30
-- Demo: do accounts that say that they will leave do so, and did those that left say so?
--
-- From churn_risk_accuracy. It holds where an account that is flagged leaves within the horizon at least
-- three times as often as any account, and at least half of those that left had been flagged.
SELECT
    signalled_churned || ' of ' || signalled || ' accounts that said so left within '
        || horizon_days || ' days (precision ' || round(precision, 2) || ', ' || round(base_rate, 2)
        || ' of all accounts leave); ' || churned_signalled || ' of ' || churned
        || ' that left had said so (recall ' || round(recall, 2) || ')' AS found,
    coalesce(precision >= 3 * base_rate AND recall >= 0.5, false) AS holds
FROM churn_risk_accuracy
WHERE horizon_days = $horizon_days
