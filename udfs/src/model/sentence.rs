//! Texts as vectors, and labels that are told by nothing but their words.

use std::cell::RefCell;

use super::encoder::{Encoder, EncoderMemory};
use super::text::TokenBuffer;

#[derive(Debug, Default)]
struct Memory {
    text: TokenBuffer,
    encoder: EncoderMemory,
    vector: Vec<f32>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// Works with the vector of a text by the shipped encoder; `None` for a text without letters.
pub(crate) fn with_vector<T>(text: &str, work: impl FnOnce(&[f32]) -> T) -> Option<T> {
    MEMORY.with_borrow_mut(|memory| {
        let Memory {
            text: tokens,
            encoder,
            vector,
        } = memory;
        tokens.read(text);
        if tokens.is_blank() {
            return None;
        }
        Encoder::shipped().read(tokens, encoder, vector);
        Some(work(vector))
    })
}

/// The vector of a text; `None` for a text without letters.
pub(crate) fn vector(text: &str) -> Option<Vec<f32>> {
    with_vector(text, <[f32]>::to_vec)
}

/// The cosine of two vectors of length 1, −1..1.
pub(crate) fn cosine(left: &[f32], right: &[f32]) -> f32 {
    let product: f32 = left
        .iter()
        .zip(right)
        .map(|(left, right)| left * right)
        .sum();
    product.clamp(-1.0, 1.0)
}

/// Labels to choose from, without a training: each is told by its words and, where it has one, its
/// description.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LabelSet {
    labels: Vec<(String, Vec<f32>)>,
}

/// A text this far from a label, as a cosine, may be about something else.
const NEAREST: f32 = 0.25;

impl LabelSet {
    /// Reads labels such as `refund` or `refund: wants money back`; `_` and `-` part words. Blank
    /// ones are left out.
    pub(crate) fn new<'a>(labels: impl Iterator<Item = &'a str>) -> LabelSet {
        let labels = labels.filter_map(|label| {
            let (name, description) = match label.split_once(':') {
                Some((name, description)) => (name.trim(), description.trim()),
                None => (label.trim(), ""),
            };
            let words = name.replace(['_', '-'], " ");
            let mut sum = vector(&words)?;
            if let Some(told) = vector(description) {
                // What the description says counts more than the name, which may be a code.
                for (sum, told) in sum.iter_mut().zip(told) {
                    *sum += 2.0 * told;
                }
                let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
                sum.iter_mut()
                    .for_each(|value| *value /= length.max(f32::MIN_POSITIVE));
            }
            Some((name.to_owned(), sum))
        });
        LabelSet {
            labels: labels.collect(),
        }
    }

    /// The nearest label; `None` where none is near.
    pub(crate) fn nearest(&self, vector: &[f32]) -> Option<&str> {
        let (label, nearness) = self
            .labels
            .iter()
            .map(|(label, of_label)| (label, cosine(of_label, vector)))
            .max_by(|left, right| left.1.total_cmp(&right.1))?;
        (nearness >= NEAREST).then_some(label.as_str())
    }

    /// All labels that are near, in the order given.
    pub(crate) fn near(&self, vector: &[f32]) -> impl Iterator<Item = &str> {
        self.labels
            .iter()
            .filter(|(_, of_label)| cosine(of_label, vector) >= NEAREST)
            .map(|(label, _)| label.as_str())
    }
}
