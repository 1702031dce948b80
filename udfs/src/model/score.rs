//! From margins and cues to the scores of one text.

use std::ops::Range;

use super::ScoreColumn;
use super::compose::OwnScratch;
use super::cues::{CueBuffer, Findings, Signal};
use super::effort::{self, Parts};
use super::emotion::Emotions;
use super::language::{self, Language};
use super::set::{Inner, ModelSet, UNCLASSIFIED};
use super::softmax::{best_label, softmax};
use super::sums::Sums;
use super::text::{Kind, Token, TokenBuffer};
use super::word_class::TURNS;

/// Labels of `risk_signals`, in the order of the first signals.
pub(crate) const RISKS: [&str; 6] = [
    "churn",
    "distrust",
    "escalation",
    "legal",
    "safety",
    "vulnerability",
];

/// Labels of `sentiment_label`.
pub(crate) const SENTIMENTS: [&str; 4] = ["negative", "neutral", "positive", "mixed"];

/// Strength from which a risk is named.
const RISK_THRESHOLD: f32 = 0.5;
/// Strength from which a text counts as a wish to escalate.
const ESCALATION_THRESHOLD: f32 = 0.6;
/// A text is mixed where one clause is this surely positive and another this surely negative.
const MIXED_CLAUSE: f32 = 0.7;
/// Clauses are read only where both sides reach this probability over the whole text.
const MIXED_HINT: f32 = 0.04;
/// Words of a clause that has a say in `mixed`.
const MIXED_WORDS: usize = 2;
/// What the whole text, the part before the last word that turns it, and the part behind it add to
/// the sentiment.
const CONTRAST: [f32; 3] = [0.4, 0.2, 0.4];
/// Letters from which a text has an intent and a topic.
pub(super) const FEWEST_LETTERS: u32 = 2;

/// Which kinds of work a call needs.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    pub(super) sentiment: bool,
    pub(super) label: bool,
    pub(super) intent: bool,
    pub(super) topic: bool,
    pub(super) cues: bool,
    pub(super) language: bool,
    pub(super) emotion: bool,
}

impl Wanted {
    /// The heads to read, bits in the order of [`Inner::banks`]: the language always.
    fn choice(self) -> usize {
        usize::from(self.sentiment)
            | (usize::from(self.intent) << 1)
            | (usize::from(self.topic) << 2)
            | (usize::from(self.emotion) << 3)
            | (1 << 4)
    }

    /// What the columns need.
    pub(crate) fn of(columns: &[ScoreColumn]) -> Wanted {
        use ScoreColumn as C;
        let any = |wanted: &[C]| columns.iter().any(|column| wanted.contains(column));
        Wanted {
            sentiment: any(&[
                C::Sentiment,
                C::SentimentLabel,
                C::EffortScore,
                C::EffortFeatures,
            ]),
            label: any(&[C::SentimentLabel]),
            intent: any(&[C::Intent, C::IntentScore]),
            topic: any(&[C::TopicId]),
            cues: any(&[
                C::EffortScore,
                C::EffortFeatures,
                C::ChurnRisk,
                C::EscalationRequest,
                C::RiskSignals,
            ]),
            language: any(&[C::DetectedLanguage]),
            emotion: any(&[C::Emotion, C::EmotionIntensity]),
        }
    }

    /// Whether anything is wanted.
    pub(super) fn is_any(self) -> bool {
        let Wanted {
            sentiment,
            label,
            intent,
            topic,
            cues,
            language,
            emotion,
        } = self;
        sentiment || label || intent || topic || cues || language || emotion
    }
}

/// The scores of one text. What was not asked for is left at its default.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scores {
    /// False where every score is NULL: a language or script that no model covers.
    pub(crate) covered: bool,
    pub(crate) language: Option<Language>,
    pub(crate) sentiment: f64,
    /// Index of [`SENTIMENTS`].
    pub(crate) sentiment_label: u8,
    /// Index among the set's intents.
    pub(crate) intent: Option<u16>,
    pub(crate) intent_score: f64,
    /// The number that is stored.
    pub(crate) topic: Option<i32>,
    pub(crate) effort: Option<f64>,
    pub(crate) parts: Parts,
    pub(crate) churn: f64,
    pub(crate) escalation: bool,
    /// Bit i is risk i.
    pub(crate) risks: u8,
    pub(crate) emotions: Emotions,
}

/// The reusable memory of one scoring thread.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(super) text: TokenBuffer,
    /// The heads that read the text, see [`Wanted::choice`].
    choice: usize,
    /// One for each choice of heads: it remembers words of its bank.
    sums: [Sums; 32],
    pub(super) margins: Vec<f32>,
    pub(super) cues: CueBuffer,
    pub(super) own: OwnScratch,
}

impl Inner {
    /// Scores a text; `None` for a text without letters.
    pub(crate) fn score_text(
        &self,
        text: &str,
        wanted: Wanted,
        scratch: &mut Scratch,
    ) -> Option<Scores> {
        #[cfg(target_arch = "x86_64")]
        if self.wide {
            // SAFETY: `wide` is set only where the processor has AVX2.
            return unsafe { self.score_text_wide(text, wanted, scratch) };
        }
        self.score_text_here(text, wanted, scratch)
    }

    /// [`Inner::score_text_here`] compiled for AVX2: the same numbers, sooner.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn score_text_wide(&self, text: &str, wanted: Wanted, scratch: &mut Scratch) -> Option<Scores> {
        self.score_text_here(text, wanted, scratch)
    }

    #[inline(always)]
    fn score_text_here(&self, text: &str, wanted: Wanted, scratch: &mut Scratch) -> Option<Scores> {
        scratch.text.read(text);
        if scratch.text.is_blank() {
            return None;
        }
        scratch.choice = wanted.choice();
        let bank = self.banks.of(scratch.choice);
        let sums = &mut scratch.sums[scratch.choice];
        bank.add_up(&scratch.text, sums, &mut scratch.margins);
        let mut scores = Scores::default();
        let language = language::detect(
            &scratch.text,
            &self.language.header,
            &self.candidates,
            &scratch.margins[self.language.lanes.start..],
        );
        scores.language = Some(language);
        scores.covered = match language {
            Language::Undetermined => true,
            Language::Label(label) => self.language.header.labels[label] == "en",
            Language::Script(_) | Language::Unsupported => false,
        };
        if !scores.covered {
            return Some(scores);
        }
        if wanted.sentiment {
            let [negative, neutral, positive] = self.sentiment_with_contrast(scratch);
            scores.sentiment = shown(positive - negative);
            scores.sentiment_label = if wanted.label && self.is_mixed(negative, positive, scratch) {
                3
            } else if negative > neutral && negative > positive {
                0
            } else if positive > neutral {
                2
            } else {
                1
            };
        }
        let is_said = scratch.text.letters >= FEWEST_LETTERS;
        if wanted.intent && is_said {
            let (best, probability) = best_label(&self.intent, &scratch.margins);
            scores.intent_score = shown(probability);
            scores.intent = (probability >= self.intent.header.threshold).then_some(best as u16);
        }
        if wanted.topic {
            let (best, probability) = best_label(&self.topic, &scratch.margins);
            let is_sure = is_said && probability >= self.topic.header.threshold;
            scores.topic = Some(if is_sure { best as i32 + 1 } else { 0 });
        }
        if wanted.emotion {
            scores.emotions = Emotions::of(&self.emotion, &scratch.margins, &scratch.text, text);
        }
        if wanted.cues {
            let found = self.cues.find(&scratch.text, &mut scratch.cues);
            scores.parts = effort::parts(&scratch.text, &found, scores.sentiment);
            scores.effort = effort::score(&scores.parts, scratch.text.words);
            scores.churn = churn(&found);
            scores.escalation = found[Signal::Escalation as usize].strength >= ESCALATION_THRESHOLD;
            for (risk, found) in found.iter().take(RISKS.len()).enumerate() {
                scores.risks |= u8::from(found.strength >= RISK_THRESHOLD) << risk;
            }
        }
        Some(scores)
    }

    /// The code of a language, where it is reliable.
    pub(crate) fn language_code(&self, language: Language) -> Option<&str> {
        match language {
            Language::Script(code) => Some(code),
            Language::Label(label) => self.language.header.labels.get(label).map(String::as_str),
            Language::Undetermined | Language::Unsupported => None,
        }
    }

    /// Probabilities of negative, neutral, positive from the margins of the sentiment.
    #[inline(always)]
    fn sentiment_of(&self, margins: &[f32]) -> [f32; 3] {
        let mut values = [0.0; 3];
        softmax(&self.sentiment, margins, &mut values);
        values
    }

    /// Probabilities of negative, neutral, positive of the text that was read last. Where a word
    /// turns it ("but", "however"), what stands behind has the greater say.
    fn sentiment_with_contrast(&self, scratch: &mut Scratch) -> [f32; 3] {
        let whole = self.sentiment_of(&scratch.margins[self.sentiment.lanes.clone()]);
        if scratch.text.classes & TURNS == 0 {
            return whole;
        }
        let tokens = &scratch.text.tokens;
        let Some(turn) = tokens.iter().rposition(|token| token.class & TURNS != 0) else {
            return whole;
        };
        let words = |tokens: &[Token]| tokens.iter().filter(|t| t.kind == Kind::Word).count();
        let end = tokens.len();
        if words(&tokens[..turn]) < MIXED_WORDS || words(&tokens[turn + 1..]) < 1 {
            return whole;
        }
        let before = self.sentiment_of_part(0..turn, scratch);
        let behind = self.sentiment_of_part(turn..end, scratch);
        std::array::from_fn(|class| {
            let parts = [whole[class], before[class], behind[class]];
            let weighted = parts
                .iter()
                .zip(CONTRAST)
                .map(|(part, weight)| part * weight);
            weighted.sum()
        })
    }

    /// Probabilities of negative, neutral, positive of a part of the text that was scored last; its
    /// sentiment was wanted.
    pub(super) fn sentiment_of_part(&self, part: Range<usize>, scratch: &mut Scratch) -> [f32; 3] {
        let lanes = &self.sentiment.lanes;
        let bank = self.banks.of(scratch.choice);
        let sums = &mut scratch.sums[scratch.choice];
        self.sentiment_of(&bank.add_up_part(&scratch.text, part, lanes, sums))
    }

    /// Whether one clause is clearly positive and another one clearly negative.
    fn is_mixed(&self, negative: f32, positive: f32, scratch: &mut Scratch) -> bool {
        if negative.min(positive) < MIXED_HINT || !has_two_clauses(&scratch.text) {
            return false;
        }
        let (mut good, mut bad) = (false, false);
        let mut start = 0;
        while let Some(part) = next_clause(&scratch.text, start) {
            start = part.end;
            let [negative, _, positive] = self.sentiment_of_part(part, scratch);
            good |= positive >= MIXED_CLAUSE;
            bad |= negative >= MIXED_CLAUSE;
            if good && bad {
                return true;
            }
        }
        false
    }
}

/// The next clause that has a say in `mixed`, from the token at `start` on.
fn next_clause(text: &TokenBuffer, mut start: usize) -> Option<Range<usize>> {
    let mut words = 0;
    for (index, token) in text.tokens.iter().enumerate().skip(start) {
        words += usize::from(token.kind == Kind::Word);
        let last = index + 1 == text.tokens.len();
        if token.boundary || token.ends_line || last {
            if words >= MIXED_WORDS {
                return Some(start..index + 1);
            }
            start = index + 1;
            words = 0;
        }
    }
    None
}

fn has_two_clauses(text: &TokenBuffer) -> bool {
    next_clause(text, 0).is_some_and(|first| next_clause(text, first.end).is_some())
}

/// Rounded in 64 bits: 0.7 of a cue is the 0.7 that a query compares it with.
fn churn(found: &Findings) -> f64 {
    rounded(found[Signal::Churn as usize].strength, 1_000.0)
}

/// A model's number as users see it: four decimals, no "-0".
pub(crate) fn shown(value: f32) -> f64 {
    rounded(value, 10_000.0)
}

fn rounded(value: f32, steps: f64) -> f64 {
    (f64::from(value) * steps).round() / steps + 0.0
}

/// One text after the other by the models of weight files, for measurements.
pub(crate) struct Scorer<'a> {
    set: &'a ModelSet,
    scratch: Scratch,
}

impl<'a> Scorer<'a> {
    pub(crate) fn new(set: &'a ModelSet) -> Scorer<'a> {
        Scorer {
            set,
            scratch: Scratch::default(),
        }
    }

    fn scores(&mut self, text: &str, wanted: Wanted) -> Option<Scores> {
        self.set.inner.score_text(text, wanted, &mut self.scratch)
    }

    /// Score and label of the sentiment.
    pub(crate) fn sentiment(&mut self, text: &str) -> Option<(f64, &'static str)> {
        let wanted = Wanted {
            sentiment: true,
            label: true,
            ..Wanted::default()
        };
        let scores = self.scores(text, wanted).filter(|scores| scores.covered)?;
        Some((
            scores.sentiment,
            SENTIMENTS[scores.sentiment_label as usize],
        ))
    }

    /// Intent and topic.
    pub(crate) fn labels(&mut self, text: &str) -> Option<(&'a str, &'a str)> {
        let wanted = Wanted {
            intent: true,
            topic: true,
            ..Wanted::default()
        };
        let scores = self.scores(text, wanted).filter(|scores| scores.covered)?;
        let intent = scores
            .intent
            .map_or(UNCLASSIFIED, |i| &self.set.intent_labels()[i as usize]);
        Some((intent, self.set.topic_label(scores.topic)))
    }

    /// The emotions, the most probable first.
    pub(crate) fn emotions(&mut self, text: &str) -> Option<Vec<usize>> {
        let wanted = Wanted {
            emotion: true,
            ..Wanted::default()
        };
        let scores = self.scores(text, wanted).filter(|scores| scores.covered)?;
        Some(scores.emotions.places().collect())
    }

    /// The language, where it is reliable.
    pub(crate) fn language(&mut self, text: &str) -> Option<&'a str> {
        let wanted = Wanted {
            language: true,
            ..Wanted::default()
        };
        let scores = self.scores(text, wanted)?;
        self.set.inner.language_code(scores.language?)
    }
}

/// The name of a churn risk: `low` below 0.35, `medium` below 0.65, `high` above.
pub fn churn_risk_level(score: f64) -> &'static str {
    match score {
        s if s < 0.35 => "low",
        s if s < 0.65 => "medium",
        _ => "high",
    }
}
