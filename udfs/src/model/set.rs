//! A set of models: which weights and patterns answer which function, and their identity.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};

use super::ModelError;
use super::bank::{Banks, lanes};
use super::compose::Composed;
use super::cues::Cues;
use super::features::KnownPairs;
use super::format::{Head, HeadHeader, hex};
use super::language::Candidates;
use super::softmax::Placed;

/// Version of the code that turns margins and cues into scores: raised when a change of it
/// changes a value.
pub(super) const RULES: &str = "rules/4";

const CUE_FILES: [(&str, &str); 4] = [
    ("words.cues", include_str!("cues/words.cues")),
    ("churn.cues", include_str!("cues/churn.cues")),
    ("risk.cues", include_str!("cues/risk.cues")),
    ("effort.cues", include_str!("cues/effort.cues")),
];

/// The words whose sums are computed when a set is loaded.
pub(super) const SHIPPED_VOCABULARY: &str = include_str!("../../weights/vocabulary.txt");

/// The models of every score function. Cheap to clone and to share.
///
/// A set is either one of weight files or such a set with models of one's own in the place of some
/// heads, see [`ModelSet::with`].
#[derive(Debug, Clone)]
pub struct ModelSet {
    pub(crate) inner: Arc<Inner>,
    pub(super) composed: Option<Arc<Composed>>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    id: String,
    models: BTreeMap<&'static str, String>,
    pub(crate) banks: Banks,
    /// The processor has AVX2.
    #[cfg(target_arch = "x86_64")]
    pub(crate) wide: bool,
    pub(crate) cues: Cues,
    pub(crate) sentiment: Placed,
    pub(crate) intent: Placed,
    pub(crate) topic: Placed,
    pub(crate) emotion: Placed,
    pub(crate) language: Placed,
    pub(crate) candidates: Candidates,
    topics: Vec<String>,
    intents: Vec<String>,
}

/// The weight files of a model set, as bytes.
#[derive(Debug, Clone, Copy)]
pub struct Weights<'a> {
    /// Three classes: negative, neutral, positive.
    pub sentiment: &'a [u8],
    /// One class an intent, the first one is "none of them".
    pub intent: &'a [u8],
    /// One class a topic, the first one is "none of them".
    pub topic: &'a [u8],
    /// One class an emotion, each with a threshold.
    pub emotion: &'a [u8],
    /// One class a language.
    pub language: &'a [u8],
    /// Known words, one a line; `!` before a word stands for the negated word.
    pub vocabulary: &'a str,
    /// The pairs of neighbouring words that the heads know.
    pub pairs: &'a [u8],
}

impl ModelSet {
    /// The models that are compiled in; parsed at the first call.
    pub fn shipped() -> &'static ModelSet {
        static SHIPPED: OnceLock<ModelSet> = OnceLock::new();
        SHIPPED.get_or_init(|| {
            let weights = Weights {
                sentiment: include_bytes!("../../weights/sentiment.bin"),
                intent: include_bytes!("../../weights/intent.bin"),
                topic: include_bytes!("../../weights/topic.bin"),
                emotion: include_bytes!("../../weights/emotion.bin"),
                language: include_bytes!("../../weights/detect_language.bin"),
                vocabulary: SHIPPED_VOCABULARY,
                pairs: include_bytes!("../../weights/pairs.bin"),
            };
            match ModelSet::parse(&weights) {
                Ok(set) => set,
                // The files are part of the binary and a test parses them: only a build from a
                // damaged tree gets here, and it must not score.
                Err(error) => unreachable!("the compiled-in weights are damaged: {error}"),
            }
        })
    }

    /// A set of the given weight files with the shipped patterns.
    pub fn parse(weights: &Weights<'_>) -> Result<ModelSet, ModelError> {
        let sentiment = decode(weights.sentiment, "sentiment")?;
        let intent = decode(weights.intent, "intent")?;
        let topic = decode(weights.topic, "topic")?;
        let emotion = decode(weights.emotion, "emotion")?;
        let language = decode(weights.language, "detect_language")?;
        if sentiment.header.labels != ["negative", "neutral", "positive"] {
            return Err(ModelError::Weights("sentiment has other labels".to_owned()));
        }
        if emotion.header.thresholds.is_empty() {
            return Err(ModelError::Weights("emotion has no thresholds".to_owned()));
        }
        for head in [&intent, &topic] {
            check_first_label(head)?;
        }
        let pairs = KnownPairs::parse(weights.pairs)
            .ok_or_else(|| ModelError::Weights("the pairs are cut off".to_owned()))?;
        let cues = Cues::parse(&CUE_FILES)?;
        let models = identities(&sentiment, &intent, &topic, &emotion, &language);
        let mut places = lanes(&[&sentiment, &intent, &topic, &emotion, &language]).into_iter();
        let mut place =
            |head: &Head| Placed::new(head.header.clone(), places.next().unwrap_or_default());
        Ok(ModelSet {
            composed: None,
            inner: Arc::new(Inner {
                id: set_id(&models),
                models,
                cues,
                #[cfg(target_arch = "x86_64")]
                wide: is_x86_feature_detected!("avx2"),
                topics: std::iter::once(UNCLASSIFIED.to_owned())
                    .chain(topic.header.labels[1..].iter().cloned())
                    .collect(),
                intents: intent.header.labels[1..].to_vec(),
                sentiment: place(&sentiment),
                intent: place(&intent),
                topic: place(&topic),
                emotion: place(&emotion),
                candidates: Candidates::new(&language.header),
                language: place(&language),
                banks: Banks::new(
                    vec![sentiment, intent, topic, emotion, language],
                    weights.vocabulary,
                    pairs,
                ),
            }),
        })
    }

    /// What the weight files say of themselves: labels, origin. Models of one's own are not among
    /// them.
    pub fn headers(&self) -> [&HeadHeader; 5] {
        let Inner {
            sentiment,
            intent,
            topic,
            emotion,
            language,
            ..
        } = &*self.inner;
        [sentiment, intent, topic, emotion, language].map(|placed| &placed.header)
    }

    /// The emotions that the set knows.
    pub fn emotion_labels(&self) -> &[String] {
        &self.inner.emotion.header.labels
    }

    /// The topics of the weight file; a `topic_id` of its is an index into them, the first one is
    /// `unclassified`.
    pub fn topic_labels(&self) -> &[String] {
        &self.inner.topics
    }

    /// The label of a `topic_id`; `unclassified` for NULL and for an id that the set does not know.
    pub fn topic_label(&self, topic_id: Option<i32>) -> &str {
        topic_id
            .and_then(|id| self.topic_name(i64::from(id)))
            .unwrap_or(UNCLASSIFIED)
    }
}

impl Inner {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn models(&self) -> &BTreeMap<&'static str, String> {
        &self.models
    }

    pub(super) fn topics(&self) -> &[String] {
        &self.topics
    }

    pub(super) fn intents(&self) -> &[String] {
        &self.intents
    }
}

/// The identity of a set: a hash over the models of its functions.
pub(super) fn set_id(models: &BTreeMap<&'static str, String>) -> String {
    let mut hash = Sha256::new();
    for (function, model) in models {
        hash.update(function.as_bytes());
        hash.update([0]);
        hash.update(model.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize()[..12])
}

/// "None of them" among the labels of a weight file; the first label of intents and topics.
pub(crate) const NONE: &str = "-";

/// The label of a text that no known label fits.
pub const UNCLASSIFIED: &str = "unclassified";

fn decode(bytes: &[u8], task: &str) -> Result<Head, ModelError> {
    let head = Head::decode(bytes)?;
    check_labels(&head)?;
    if head.header.task != task {
        return Err(ModelError::Weights(format!(
            "a weight file of {} was given for {task}",
            head.header.task
        )));
    }
    Ok(head)
}

/// There are labels to choose from.
pub(super) fn check_labels(head: &Head) -> Result<(), ModelError> {
    match head.classes() {
        0 | 1 => Err(ModelError::Weights(format!(
            "{} has fewer than two labels",
            head.header.task
        ))),
        _ => Ok(()),
    }
}

/// The first label stands for "none of them": it is never answered.
pub(super) fn check_first_label(head: &Head) -> Result<(), ModelError> {
    match head.header.labels.first() {
        Some(first) if first == NONE => Ok(()),
        _ => Err(ModelError::Weights(format!(
            "the first label of {} is not {NONE}, \"none of them\"",
            head.header.task
        ))),
    }
}

/// A function's identity covers all that its values depend on: every score is NULL by what the
/// language head says, effort reads the sentiment, risks read the patterns.
fn identities(
    sentiment: &Head,
    intent: &Head,
    topic: &Head,
    emotion: &Head,
    language: &Head,
) -> BTreeMap<&'static str, String> {
    let cues = |files: &[usize]| {
        let mut hash = Sha256::new();
        files
            .iter()
            .for_each(|file| hash.update(CUE_FILES[*file].1.as_bytes()));
        hex(&hash.finalize())
    };
    let identity = |function: &'static str, parts: &[&str]| {
        let mut hash = Sha256::new();
        for part in [&[RULES, function, language.id.as_str()], parts].concat() {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        (function, hex(&hash.finalize()[..8]))
    };
    BTreeMap::from([
        identity("sentiment", &[&sentiment.id]),
        identity("intent", &[&intent.id]),
        identity("topic", &[&topic.id]),
        identity("emotion", &[&emotion.id]),
        identity("effort", &[&sentiment.id, &cues(&[0, 3])]),
        identity("churn_risk", &[&cues(&[0, 1])]),
        identity("escalation_request", &[&cues(&[0, 2])]),
        identity("risk_signals", &[&cues(&[0, 1, 2])]),
        identity("detect_language", &[]),
    ])
}
