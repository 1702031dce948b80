//! The scalar functions, one a file, and what they share.
//!
//! A function of one text is a [`text_function::TextFunction`]: a name, its documentation and
//! either a score column or a kernel; [`model_function`] are those that take a model's name, too.
//! [`text`] reads any string encoding, [`memo`] scores a batch
//! once for several functions.

mod churn_risk;
mod churn_risk_detail;
mod churn_risk_level;
mod classify;
mod detect_language;
mod effort_features;
mod effort_level;
mod effort_score;
mod embed;
mod emotion;
mod emotion_intensity;
mod escalation_request;
mod intent;
mod intent_detail;
mod intent_score;
mod level_function;
mod memo;
mod model_function;
mod phrase_match;
mod pii_entities;
mod redact;
mod risk_signals;
mod sentiment;
mod sentiment_aspects;
mod sentiment_detail;
mod sentiment_label;
mod similarity;
pub(crate) mod text;
pub(crate) mod text_function;
mod topic;
mod topic_label;
mod topics;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

/// What can be wrong with a call beyond its types.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FunctionError {
    /// A call names a model that is not there.
    #[error("no such model for {function}: \"{name}\"")]
    NoSuchModel {
        /// The function that was called.
        function: &'static str,
        /// The name that was given.
        name: String,
    },
}

/// Every scalar function, by name.
pub(crate) fn all() -> Vec<Arc<ScalarUDF>> {
    let functions = [
        churn_risk::function(),
        churn_risk_detail::function(),
        churn_risk_level::function(),
        classify::one(),
        classify::many(),
        detect_language::function(),
        effort_features::function(),
        effort_level::function(),
        effort_score::function(),
        embed::function(),
        emotion::function(),
        emotion_intensity::function(),
        escalation_request::function(),
        intent::function(),
        intent_detail::function(),
        intent_score::function(),
        phrase_match::function(),
        pii_entities::function(),
        redact::function(),
        risk_signals::function(),
        sentiment::function(),
        sentiment_aspects::function(),
        sentiment_detail::function(),
        sentiment_label::function(),
        similarity::function(),
        topic::function(),
        topic_label::function(),
        topics::function(),
    ];
    functions.into_iter().map(Arc::new).collect()
}
