//! The list of the files that are compiled in.

/// Pairs of a file's name, without folder and ending, and its text.
macro_rules! files {
    ($($folder:literal: $($name:literal),+ $(,)?;)+) => {
        &[$($((
            $name,
            include_str!(concat!("../../sql/", $folder, "/", $name, ".sql")),
        )),+),+]
    };
}

/// The views, each after the views that it reads.
pub(super) const VIEWS: &[(&str, &str)] = files! {
    "views":
        "customer_messages",
        "observation",
        "human_corrections",
        "training_corrections",
        "conversation_scores",
        "conversation_replies",
        "conversation_events",
        "scored_conversations",
        "contacts",
        "repeats",
        "agent_traits";
    "metrics":
        "sentiment_score",
        "conversation_intents",
        "intent_distribution",
        "topic_frequency",
        "repeat_contact",
        "customer_effort",
        "escalation_rate",
        "account_churn_risk",
        "churn_risk_accuracy",
        "agent_outcomes",
        "agent_outcome_pattern",
        "service_times",
        "containment";
    "views":
        "conversation_facts";
};

/// The named questions.
pub(super) const QUERIES: &[(&str, &str)] = files! {
    "library":
        "demo_billing_spike",
        "demo_broken_release",
        "demo_failing_bot",
        "demo_agent",
        "demo_churn";
};
