-- parameter: star_agent text = 'agent-06'
-- Demo: which agent's conversations end best, and does the behaviour that sets the agent apart go with
-- better outcomes for everybody?
--
-- Agents are ranked by the lower end of the 95 % interval (Wilson) of their success rate (view
-- agent_outcomes); the behaviour is judged by agent_outcome_pattern, within intent and channel.
WITH rates AS (
    SELECT
        agent_id,
        count(*)::double precision AS n,
        avg(numerator) AS success,
        avg(tells_next_step::integer) AS tells,
        avg(confirms::integer) AS confirms
    FROM agent_outcomes
    WHERE agent_id IS NOT NULL
    GROUP BY agent_id
),
top AS (
    SELECT
        rates.*,
        (success + 1.92 / n - 1.96 * sqrt(success * (1 - success) / n + 0.9604 / (n * n)))
            / (1 + 3.8416 / n) AS at_least
    FROM rates
    ORDER BY at_least DESC, agent_id
    LIMIT 1
),
overall AS (
    SELECT avg(numerator) AS success FROM agent_outcomes
),
traits AS (
    SELECT
        max(ratio) FILTER (WHERE trait = 'tells_next_step') AS tells,
        max(ratio_low) FILTER (WHERE trait = 'tells_next_step') AS tells_low,
        max(ratio_high) FILTER (WHERE trait = 'tells_next_step') AS tells_high,
        max(ratio) FILTER (WHERE trait = 'confirms') AS confirms,
        max(ratio_low) FILTER (WHERE trait = 'confirms') AS confirms_low,
        max(ratio_high) FILTER (WHERE trait = 'confirms') AS confirms_high
    FROM agent_outcome_pattern
)
SELECT
    t.agent_id || ': ' || round(100 * t.success) || ' % of ' || t.n::bigint
        || ' conversations succeed, ' || round(100 * o.success)
        || ' % over all agents. Telling the next step goes with '
        || round(p.tells, 2) || ' times the success (' || round(p.tells_low, 2) || ' to '
        || round(p.tells_high, 2) || '), confirming with ' || round(p.confirms, 2) || ' times ('
        || round(p.confirms_low, 2) || ' to ' || round(p.confirms_high, 2) || ')' AS found,
    coalesce(t.agent_id = $star_agent AND p.tells_low > 1, false) AS holds
FROM top t
CROSS JOIN overall o
CROSS JOIN traits p
