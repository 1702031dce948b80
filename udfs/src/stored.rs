//! Which stored column of a scored message answers which call.

use crate::model::ScoreColumn;

/// How a stored column answers a call such as `topic(text)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredCall {
    /// The column that holds the answer, or what the answer is derived from.
    pub column: ScoreColumn,
    /// A registered function of one argument that derives the answer from the column, where the
    /// column is not the answer itself: `topic_label(topic_id)`, `effort_level(effort_score)`.
    pub derive: Option<&'static str>,
}

/// The stored answer to a call of `function` with the message text as its only argument.
///
/// `None` where no stored column holds it: spans, details and redactions are always computed.
pub fn stored_call(function: &str) -> Option<StoredCall> {
    let (column, derive) = match function {
        "sentiment" => (ScoreColumn::Sentiment, None),
        "sentiment_label" => (ScoreColumn::SentimentLabel, None),
        "intent" => (ScoreColumn::Intent, None),
        "intent_score" => (ScoreColumn::IntentScore, None),
        "topic" => (ScoreColumn::TopicId, Some("topic_label")),
        "effort_score" => (ScoreColumn::EffortScore, None),
        "effort_level" => (ScoreColumn::EffortScore, Some("effort_level")),
        "effort_features" => (ScoreColumn::EffortFeatures, None),
        "churn_risk" => (ScoreColumn::ChurnRisk, None),
        "churn_risk_level" => (ScoreColumn::ChurnRisk, Some("churn_risk_level")),
        "escalation_request" => (ScoreColumn::EscalationRequest, None),
        "risk_signals" => (ScoreColumn::RiskSignals, None),
        "detect_language" => (ScoreColumn::DetectedLanguage, None),
        _ => return None,
    };
    Some(StoredCall { column, derive })
}
