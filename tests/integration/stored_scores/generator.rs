//! Random queries over `messages` whose calls take every kind of path to the text.

use proptest::prelude::*;

/// The scored functions, each with whether its value can be compared by size.
const FUNCTIONS: [&str; 13] = [
    "sentiment",
    "sentiment_label",
    "intent",
    "intent_score",
    "topic",
    "effort_score",
    "effort_level",
    "effort_features",
    "churn_risk",
    "churn_risk_level",
    "escalation_request",
    "risk_signals",
    "detect_language",
];

fn function() -> impl Strategy<Value = &'static str> {
    prop::sample::select(FUNCTIONS.to_vec())
}

/// A condition over the columns c (conversation), m (message), r (role) and t (text) of `a`.
fn condition(a: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        Just(format!("{a}.r = 'customer'")),
        Just(format!("{a}.r <> 'tool'")),
        Just(format!("{a}.r IN ('agent', 'system')")),
        Just(format!("length({a}.t) > 20")),
        Just(format!("{a}.t IS NOT NULL")),
        Just(format!("sentiment({a}.t) < 0.1")),
        Just(format!("coalesce(intent({a}.t), 'none') <> 'unclassified'")),
        Just(format!("churn_risk({a}.t) IS NOT NULL")),
        Just(format!(
            "escalation_request({a}.t) OR sentiment_label({a}.t) = 'negative'"
        )),
        Just(format!(
            "{a}.c IN (SELECT conversation_id FROM messages WHERE churn_risk(text) > 0.2)"
        )),
        Just(format!(
            "EXISTS (SELECT 1 FROM messages x WHERE x.conversation_id = {a}.c \
             AND intent(x.text) = intent({a}.t))"
        )),
    ]
}

/// A query that gives the columns c, m, r and t.
fn relation() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        3 => Just("SELECT conversation_id AS c, message_id AS m, role AS r, text AS t FROM messages"
            .to_string()),
        1 => Just("SELECT conversation_id c, message_id m, role r, text t FROM customer_view"
            .to_string()),
        1 => Just("SELECT w.conversation_id AS c, w.message_id AS m, w.role AS r, w.text AS t \
             FROM messages AS w WHERE w.role <> 'tool' AND w.role <> 'system'"
            .to_string()),
    ];
    leaf.prop_recursive(4, 12, 2, |inner| {
        let one = inner.clone();
        let two = inner;
        prop_oneof![
            // Paths that keep the text.
            one.clone().prop_map(|q| format!("SELECT a.c, a.m, a.r, a.t FROM ({q}) AS a")),
            one.clone()
                .prop_map(|q| format!("WITH q AS ({q}) SELECT c, m, r, CAST(t AS VARCHAR) AS t FROM q")),
            (one.clone(), condition("a"))
                .prop_map(|(q, w)| format!("SELECT a.c, a.m, a.r, a.t FROM ({q}) AS a WHERE {w}")),
            (one.clone(), 1..30u32).prop_map(|(q, n)| format!(
                "SELECT a.c, a.m, a.r, a.t FROM ({q}) AS a ORDER BY a.c, a.m, a.r, a.t LIMIT {n}"
            )),
            (one.clone(), function()).prop_map(|(q, f)| format!(
                "SELECT a.c, a.m, CAST({f}(a.t) AS VARCHAR) AS r, a.t FROM ({q}) AS a"
            )),
            one.clone().prop_map(|q| format!(
                "SELECT b.c, b.m, b.r, b.t FROM (SELECT a.*, row_number() OVER \
                 (PARTITION BY a.c ORDER BY a.m, a.r, a.t) AS n FROM ({q}) AS a) AS b WHERE n <= 2"
            )),
            (one.clone(), two.clone()).prop_map(|(p, q)| format!(
                "SELECT a.c, a.m, a.r, b.t FROM ({p}) AS a JOIN ({q}) AS b \
                 ON a.c = b.c AND a.m = b.m"
            )),
            (one.clone(), two.clone()).prop_map(|(p, q)| format!(
                "SELECT a.c, a.m, b.r, b.t FROM ({p}) AS a LEFT JOIN ({q}) AS b \
                 ON a.c = b.c AND a.m = b.m AND sentiment(b.t) > sentiment(a.t)"
            )),
            // Paths that end the trace.
            one.clone().prop_map(|q| format!("SELECT a.c, a.m, a.r, lower(a.t) AS t FROM ({q}) AS a")),
            one.clone().prop_map(|q| format!(
                "SELECT a.c, min(a.m) AS m, max(a.r) AS r, max(a.t) AS t FROM ({q}) AS a GROUP BY a.c"
            )),
            one.clone()
                .prop_map(|q| format!("SELECT DISTINCT a.c, a.m, a.r, a.t FROM ({q}) AS a")),
            (one.clone(), two, any::<bool>()).prop_map(|(p, q, all)| format!(
                "({p}) UNION {} ({q})",
                if all { "ALL" } else { "" }
            )),
            one.prop_map(|q| format!(
                "SELECT a.c, a.m, a.r, lag(a.t) OVER (PARTITION BY a.c ORDER BY a.m, a.r, a.t) AS t \
                 FROM ({q}) AS a"
            )),
        ]
    })
}

/// A whole query. Its rows are compared as a set, so nothing depends on an order that ties leave
/// open.
pub(super) fn query() -> impl Strategy<Value = String> {
    let calls = prop::collection::vec(function(), 1..4);
    prop_oneof![
        (relation(), calls).prop_map(|(q, calls)| {
            let calls: Vec<String> = calls
                .iter()
                .enumerate()
                .map(|(i, f)| {
                    if i == 0 {
                        format!("{f}(z.t)")
                    } else {
                        format!("{f}(z.t) AS x{i}")
                    }
                })
                .collect();
            format!("SELECT z.c, z.m, z.r, {} FROM ({q}) AS z", calls.join(", "))
        }),
        (relation(), function(), function()).prop_map(|(q, f, g)| format!(
            "SELECT {f}(z.t), count(*), count(DISTINCT {g}(z.t)), avg(sentiment(z.t)), \
             max(effort_score(z.t)) FROM ({q}) AS z GROUP BY {f}(z.t)"
        )),
        (relation(), function()).prop_map(|(q, f)| format!(
            "SELECT z.r, min(churn_risk(z.t)) FILTER (WHERE {f}(z.t) IS NOT NULL) AS low \
             FROM ({q}) AS z GROUP BY ROLLUP (z.r) HAVING count(intent(z.t)) >= 0"
        )),
        (relation(), function()).prop_map(|(q, f)| format!(
            "SELECT count(*), (SELECT max(sentiment(text)) FROM messages) AS top \
             FROM ({q}) AS z WHERE CAST({f}(z.t) AS VARCHAR) IS NOT NULL"
        )),
        relation().prop_map(|q| format!(
            "SELECT z.c, sum(sentiment(z.t)) OVER (PARTITION BY z.c ORDER BY sentiment(z.t)) AS s \
             FROM ({q}) AS z"
        )),
        relation().prop_map(|q| format!(
            "SELECT z.c, unnest(risk_signals(z.t)) AS risk, z.t FROM ({q}) AS z"
        )),
    ]
}
