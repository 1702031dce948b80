//! The scorers: models as data, loaded once per process, applied to Arrow batches.
//!
//! A text is read once ([`text`]), its words become features ([`features`]), heads lie side by side
//! in a [`bank`] and are lanes of one sum ([`sums`]), of which [`softmax`] makes probabilities;
//! patterns over the same words give the risks ([`cues`]). [`set`] knows the identity of each model,
//! [`compose`] puts models of one's own into a set, [`score`] applies them to a text, [`batch`] to an
//! array.

mod active;
mod aspects;
pub(crate) mod bank;
mod batch;
pub(crate) mod bytes;
mod classifier;
mod clauses;
mod column;
mod compose;
mod conversation;
mod cues;
mod detail;
pub(crate) mod distinct;
mod effort;
mod emotion;
pub(crate) mod encoder;
pub(crate) mod features;
pub(crate) mod format;
pub(crate) mod fourier;
mod known;
mod lanes;
mod language;
mod negation;
mod onnx;
mod own;
mod patience;
mod pool;
mod remembered;
mod score;
pub(crate) mod sentence;
#[cfg(test)]
mod sentences;
mod set;
mod softmax;
mod stem;
pub(crate) mod sums;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod text_encoder;
pub(crate) mod topics;
mod word_class;

pub use active::ActiveModels;
pub use aspects::{AspectSentiments, Aspects};
pub use column::{EFFORT_FEATURES, ScoreColumn};
pub use compose::{FIRST_OWN_TOPIC, OwnHeads};
pub(crate) use conversation::Role;
pub use conversation::{CONVERSATION_EFFORT_PARTS, ConversationEffort, Turn, conversation_effort};
pub use detail::{ChurnDetail, IntentDetail, SentimentDetail};
pub use effort::{EFFORT_COUNT_LIMIT, effort_level};
pub use encoder::{Encoder, EncoderHeader};
pub use format::{Head, HeadHeader, Sentences, TrainingSource};
pub use onnx::{OnnxError, OnnxFiles, OnnxGraph, OnnxKind};
pub use own::{OwnModel, OwnModels};
pub use patience::Patience;
pub(crate) use score::Scorer;
pub use score::churn_risk_level;
pub(crate) use score::shown;
pub(crate) use set::NONE;
pub use set::{ModelSet, UNCLASSIFIED, Weights};
pub use text_encoder::TextEncoder;

/// Why a model could not be loaded or applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// A weight file or a pattern file cannot be used.
    #[error("model file: {0}")]
    Weights(String),
    /// The array does not hold text.
    #[error("a text is needed to score, but the column is of type {0}")]
    NotText(String),
    /// An Arrow kernel failed.
    #[error("scores of a dictionary: {0}")]
    Arrow(String),
    /// An encoder or a classifier of one's own failed.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
}
