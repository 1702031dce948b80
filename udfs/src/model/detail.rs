//! The scores of one text with what stands behind them.

use super::cues::Signal;
use super::pool::with_scratch;
use super::score::{FEWEST_LETTERS, Scratch, Wanted, shown, softmax};
use super::set::{ModelSet, UNCLASSIFIED};

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
    pub fn intent_detail(&self, text: &str) -> Option<IntentDetail> {
        if let Some(model) = self.own_intent() {
            return model.detail(text);
        }
        with_scratch(|scratch| self.intent_detail_with(text, scratch))
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
        let cue = (best.best > 0.0).then(|| {
            let (start, end) = (best.start as usize, best.end as usize);
            let before = text[..start].chars().count();
            let words = &text[start..end];
            (words.to_owned(), before, before + words.chars().count())
        });
        Some(ChurnDetail {
            score: scores.churn,
            cue,
            model: self.models().get("churn_risk").cloned().unwrap_or_default(),
        })
    }
}
