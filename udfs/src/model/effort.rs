//! Effort of one turn: an explainable sum over its parts.
//!
//! No public corpus labels customer effort, so the coefficients are set by us, one by one, and not
//! fitted; a figure for them is a measurement, not an accuracy. The scale is that of a customer
//! effort score turned around zero: −5 is very hard, 5 is very easy.

use super::cues::{Findings, Signal};
use super::text::TokenBuffer;
use super::word_class::NEGATES;

/// Number of parts of a turn.
pub(crate) const PARTS: usize = super::EFFORT_FEATURES.len();

/// A count among the parts of a turn goes no higher.
pub const EFFORT_COUNT_LIMIT: u32 = 5;

/// The explainable parts of one turn.
pub(crate) type Parts = [f32; PARTS];

/// What one unit of each part adds before squashing, in the order of `EFFORT_FEATURES`.
const COEFFICIENTS: Parts = [
    -0.2, -0.1, -0.1, -0.8, -0.2, -0.6, -0.6, -0.6, -0.8, 1.0, 0.7, 0.0, 1.5,
];
/// What a turn starts from.
const BASE: f32 = 0.9;
/// The smallest distance from zero: a turn that is scored is never exactly 0.
const SMALLEST: f64 = 0.01;
/// A turn of fewer words without any cue says nothing about effort.
const FEWEST_WORDS: u32 = 3;

/// The parts of a turn.
pub(crate) fn parts(text: &TokenBuffer, found: &Findings, sentiment: f64) -> Parts {
    let negations = match text.classes & NEGATES != 0 {
        true => text
            .tokens
            .iter()
            .filter(|token| token.class & NEGATES != 0)
            .count() as u32,
        false => 0,
    };
    let count = |value: u32| value.min(EFFORT_COUNT_LIMIT) as f32;
    let cue = |signal: Signal| count(found[signal as usize].count);
    [
        (1.0 + text.words as f32).ln(),
        count(text.questions),
        count(text.exclamations),
        if text.letters >= 8 {
            text.upper as f32 / text.letters as f32
        } else {
            0.0
        },
        count(negations),
        cue(Signal::Failure),
        cue(Signal::Repeat),
        cue(Signal::Waiting),
        cue(Signal::Struggle),
        cue(Signal::Ease),
        cue(Signal::Thanks),
        cue(Signal::Apology),
        sentiment as f32,
    ]
}

/// The score of a turn; `None` where it says nothing: fewer than three words and no cue.
pub(crate) fn score(parts: &Parts, words: u32) -> Option<f64> {
    let cues: f32 = parts[5..11].iter().sum();
    if words < FEWEST_WORDS && cues == 0.0 {
        return None;
    }
    let sum: f32 = parts
        .iter()
        .zip(COEFFICIENTS)
        .map(|(part, weight)| part * weight)
        .sum();
    Some(squash(BASE + sum))
}

/// Squashes a sum to −5..5 without 0, with two decimals.
pub(crate) fn squash(sum: f32) -> f64 {
    let score = ((f64::from(sum) / 2.0).tanh() * 500.0).round() / 100.0;
    if score.abs() < SMALLEST {
        return if sum < 0.0 { -SMALLEST } else { SMALLEST };
    }
    score
}

/// The name of an effort score: `very_hard` up to −3, `hard` up to −1, `neutral` below 1,
/// `easy` below 3, `very_easy` above.
pub fn effort_level(score: f64) -> &'static str {
    match score {
        s if s <= -3.0 => "very_hard",
        s if s <= -1.0 => "hard",
        s if s < 1.0 => "neutral",
        s if s < 3.0 => "easy",
        _ => "very_easy",
    }
}
