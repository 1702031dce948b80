//! The score columns that a scored message carries.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};

/// Names of the explainable parts of a turn, in the order of the `effort_features` list.
///
/// Every value is a `Float32` that depends on the text of the turn alone: `length` is ln(1 + words),
/// `capitals` the share of upper-case letters, `sentiment` −1..1, everything else a count (at most
/// [`super::EFFORT_COUNT_LIMIT`]) of marks, negating words, or cues of that kind.
pub const EFFORT_FEATURES: &[&str] = &[
    "length",
    "questions",
    "exclamations",
    "capitals",
    "negations",
    "failures",
    "repeats",
    "waiting",
    "struggle",
    "ease",
    "thanks",
    "apologies",
    "sentiment",
];

/// What the engine computes from a message's text; those of [`ScoreColumn::ALL`] are columns of the
/// table `messages`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScoreColumn {
    /// Polarity times intensity, −1..1.
    Sentiment,
    /// `negative`, `neutral`, `positive` or `mixed`.
    SentimentLabel,
    /// Label of the customer's intent, `unclassified` below the calibrated threshold.
    Intent,
    /// Calibrated probability of the intent, 0..1.
    IntentScore,
    /// Number of the topic in the model's taxonomy; 0 is `unclassified`, so that NULL means no text.
    TopicId,
    /// Ease of the turn, −5 (hard) to 5 (easy), never exactly 0; NULL for no signal.
    EffortScore,
    /// The explainable parts of the turn, see [`EFFORT_FEATURES`].
    EffortFeatures,
    /// Risk that the author leaves, 0..1.
    ChurnRisk,
    /// Whether the author asks for a human or a manager or threatens to escalate.
    EscalationRequest,
    /// Risk labels of the message.
    RiskSignals,
    /// ISO 639-1 code of the language where it is reliable, else NULL.
    DetectedLanguage,
    /// Emotions of the message, the most probable first; computed on call, no stored column.
    Emotion,
    /// How strong the emotion is told, 1..5, NULL where there is none; computed on call, too.
    EmotionIntensity,
}

impl ScoreColumn {
    /// Every stored score column, in the order in which the table `messages` holds them.
    pub const ALL: [ScoreColumn; 11] = [
        ScoreColumn::Sentiment,
        ScoreColumn::SentimentLabel,
        ScoreColumn::Intent,
        ScoreColumn::IntentScore,
        ScoreColumn::TopicId,
        ScoreColumn::EffortScore,
        ScoreColumn::EffortFeatures,
        ScoreColumn::ChurnRisk,
        ScoreColumn::EscalationRequest,
        ScoreColumn::RiskSignals,
        ScoreColumn::DetectedLanguage,
    ];

    /// The column's name.
    pub fn name(self) -> &'static str {
        match self {
            ScoreColumn::Sentiment => "sentiment",
            ScoreColumn::SentimentLabel => "sentiment_label",
            ScoreColumn::Intent => "intent",
            ScoreColumn::IntentScore => "intent_score",
            ScoreColumn::TopicId => "topic_id",
            ScoreColumn::EffortScore => "effort_score",
            ScoreColumn::EffortFeatures => "effort_features",
            ScoreColumn::ChurnRisk => "churn_risk",
            ScoreColumn::EscalationRequest => "escalation_request",
            ScoreColumn::RiskSignals => "risk_signals",
            ScoreColumn::DetectedLanguage => "detected_language",
            ScoreColumn::Emotion => "emotion",
            ScoreColumn::EmotionIntensity => "emotion_intensity",
        }
    }

    /// The function whose model decides whether a stored value is current: `intent` for both
    /// `intent` and `intent_score`, and so on.
    pub fn function(self) -> &'static str {
        match self {
            ScoreColumn::Sentiment | ScoreColumn::SentimentLabel => "sentiment",
            ScoreColumn::Intent | ScoreColumn::IntentScore => "intent",
            ScoreColumn::TopicId => "topic",
            ScoreColumn::EffortScore | ScoreColumn::EffortFeatures => "effort",
            ScoreColumn::ChurnRisk => "churn_risk",
            ScoreColumn::EscalationRequest => "escalation_request",
            ScoreColumn::RiskSignals => "risk_signals",
            ScoreColumn::DetectedLanguage => "detect_language",
            ScoreColumn::Emotion | ScoreColumn::EmotionIntensity => "emotion",
        }
    }

    /// The Arrow type of the column, the same in a batch and in the lake.
    pub fn data_type(self) -> DataType {
        match self {
            ScoreColumn::Sentiment
            | ScoreColumn::IntentScore
            | ScoreColumn::EffortScore
            | ScoreColumn::ChurnRisk => DataType::Float64,
            ScoreColumn::SentimentLabel | ScoreColumn::Intent | ScoreColumn::DetectedLanguage => {
                DataType::Utf8
            }
            ScoreColumn::TopicId => DataType::Int32,
            ScoreColumn::EffortFeatures => {
                DataType::List(Arc::new(Field::new("element", DataType::Float32, true)))
            }
            ScoreColumn::EscalationRequest => DataType::Boolean,
            ScoreColumn::EmotionIntensity => DataType::Int16,
            ScoreColumn::RiskSignals | ScoreColumn::Emotion => {
                DataType::List(Arc::new(Field::new("element", DataType::Utf8, true)))
            }
        }
    }

    /// The column as a nullable Arrow field.
    pub fn field(self) -> Field {
        Field::new(self.name(), self.data_type(), true)
    }
}
