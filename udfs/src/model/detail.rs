//! The scores of one text with what stands behind them.

use std::ops::Range;

use super::ModelError;
use super::clauses::clauses;
use super::cues::Signal;
use super::pool::with_scratch;
use super::score::{FEWEST_LETTERS, SENTIMENTS, Scratch, Wanted, shown};
use super::set::{ModelSet, UNCLASSIFIED};
use super::softmax::softmax;
use super::text::Token;

/// The intent of a text with what else it could be.
#[derive(Debug, Clone, PartialEq)]
pub struct IntentDetail {
    /// The intent, `unclassified` below the threshold.
    pub label: String,
    /// Calibrated probability of the best intent, 0..1.
    pub score: f64,
    /// The best intents with their probabilities, best first; none for a text of one letter.
    pub alternatives: Vec<(String, f64)>,
    /// The model that said so.
    pub model: String,
}

/// The sentiment of a text with the clause that shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct SentimentDetail {
    /// As `sentiment_label` gives it.
    pub label: &'static str,
    /// As `sentiment` gives it, −1..1.
    pub score: f64,
    /// The clause with the strongest feeling of the label's side: its words, and where they start
    /// and end in the text, in characters from 0, end exclusive. None for a neutral text.
    pub evidence: Option<(String, usize, usize)>,
    /// The model that said so.
    pub model: String,
}

/// The churn risk of a text with the words that show it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChurnDetail {
    /// Risk, 0..1.
    pub score: f64,
    /// The strongest cue: its words, and where they start and end in the text, in characters from
    /// 0, end exclusive.
    pub cue: Option<(String, usize, usize)>,
    /// The model that said so.
    pub model: String,
}

/// Number of alternatives that [`ModelSet::intent_detail`] lists.
const ALTERNATIVES: usize = 3;

impl ModelSet {
    /// The intent of a text with alternatives; `None` where `intent` is NULL.
    ///
    /// # Errors
    /// [`ModelError::Onnx`] where an encoder of one's own fails.
    pub fn intent_detail(&self, text: &str) -> Result<Option<IntentDetail>, ModelError> {
        if let Some(model) = self.own_intent() {
            return model.detail(text);
        }
        Ok(with_scratch(|scratch| {
            self.intent_detail_with(text, scratch)
        }))
    }

    fn intent_detail_with(&self, text: &str, scratch: &mut Scratch) -> Option<IntentDetail> {
        let wanted = Wanted {
            intent: true,
            ..Wanted::default()
        };
        let scores = self.inner.score_text(text, wanted, scratch)?;
        if !scores.covered {
            return None;
        }
        let head = &self.inner.intent;
        let mut probabilities = vec![0.0; head.lanes.len()];
        softmax(
            head,
            &scratch.margins[head.lanes.clone()],
            &mut probabilities,
        );
        let mut ranked: Vec<(String, f64)> = head.header.labels[1..]
            .iter()
            .cloned()
            .zip(probabilities[1..].iter().map(|p| shown(*p)))
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        // A text that is too short to have an intent has no alternatives either.
        let is_said = scratch.text.letters >= FEWEST_LETTERS;
        ranked.truncate(if is_said { ALTERNATIVES } else { 0 });
        let label = scores
            .intent
            .map_or(UNCLASSIFIED, |i| &self.intent_labels()[i as usize]);
        Some(IntentDetail {
            label: label.to_owned(),
            score: scores.intent_score,
            alternatives: ranked,
            model: self.models().get("intent").cloned().unwrap_or_default(),
        })
    }

    /// The sentiment of a text with its evidence; `None` where `sentiment` is NULL.
    pub fn sentiment_detail(&self, text: &str) -> Option<SentimentDetail> {
        with_scratch(|scratch| self.sentiment_detail_with(text, scratch))
    }

    fn sentiment_detail_with(&self, text: &str, scratch: &mut Scratch) -> Option<SentimentDetail> {
        let wanted = Wanted {
            sentiment: true,
            label: true,
            ..Wanted::default()
        };
        let scores = self.inner.score_text(text, wanted, scratch)?;
        if !scores.covered {
            return None;
        }
        let label = SENTIMENTS[usize::from(scores.sentiment_label)];
        let evidence = match label {
            "neutral" => None,
            label => self.strongest_clause(label, scratch),
        };
        Some(SentimentDetail {
            label,
            score: scores.sentiment,
            evidence: evidence.map(|bytes| quoted(text, bytes)),
            model: self.models().get("sentiment").cloned().unwrap_or_default(),
        })
    }

    /// The bytes of the clause that feels most like the label, of equal ones the first.
    fn strongest_clause(&self, label: &str, scratch: &mut Scratch) -> Option<Range<usize>> {
        let mut parts = Vec::new();
        clauses(&scratch.text, &mut parts);
        let mut best: Option<(f32, Range<usize>)> = None;
        for part in parts {
            let [negative, _, positive] = self.inner.sentiment_of_part(part.clone(), scratch);
            let strength = match label {
                "negative" => negative - positive,
                "positive" => positive - negative,
                _ => (positive - negative).abs(),
            };
            if best.as_ref().is_none_or(|(most, _)| strength > *most) {
                best = Some((strength, part));
            }
        }
        let (_, part) = best?;
        let tokens = scratch.text.tokens.get(part)?;
        // Without the comma that joins the clause to the one before it.
        let is_joint = |token: &Token| matches!(scratch.text.spelling(token), b"," | b"-" | b":");
        let first = tokens.iter().find(|token| !is_joint(token))?;
        Some(first.source_start as usize..tokens.last()?.source_end as usize)
    }

    /// The churn risk of a text with its strongest cue; `None` where `churn_risk` is NULL.
    pub fn churn_detail(&self, text: &str) -> Option<ChurnDetail> {
        with_scratch(|scratch| self.churn_detail_with(text, scratch))
    }

    fn churn_detail_with(&self, text: &str, scratch: &mut Scratch) -> Option<ChurnDetail> {
        let wanted = Wanted {
            cues: true,
            ..Wanted::default()
        };
        let scores = self.inner.score_text(text, wanted, scratch)?;
        if !scores.covered {
            return None;
        }
        let found = self.inner.cues.find(&scratch.text, &mut scratch.cues);
        let best = found[Signal::Churn as usize];
        let cue = (best.best > 0.0).then(|| quoted(text, best.start as usize..best.end as usize));
        Some(ChurnDetail {
            score: scores.churn,
            cue,
            model: self.models().get("churn_risk").cloned().unwrap_or_default(),
        })
    }
}

/// Words of a text with their place in characters.
fn quoted(text: &str, bytes: Range<usize>) -> (String, usize, usize) {
    let before = text[..bytes.start].chars().count();
    let words = &text[bytes];
    (words.to_owned(), before, before + words.chars().count())
}
