//! From the margins of the emotion head to the emotions of a text and how strong they are.
//!
//! Every emotion is a decision of its own: its probability is the logistic function of its margin,
//! and it is named from a threshold of its own. How strong the feeling is told is a rule over that
//! probability and the marks around the words, set by us: no public set labels it.

use super::softmax::Placed;
use super::text::{Kind, TokenBuffer};

/// Emotions that one text is given at most, the most probable ones.
pub(crate) const MOST_EMOTIONS: usize = 4;

/// The place of no emotion.
const NO_EMOTION: u8 = u8::MAX;

/// What one sign of strength adds to the probability of the strongest emotion.
const SIGN: f32 = 0.18;
/// Signs that count at most.
const MOST_SIGNS: u32 = 3;
/// What a downtoner takes away.
const DOWNTONED: f32 = 0.25;
/// The upper limits of the intensities 1 to 4.
const LIMITS: [f32; 4] = [0.4, 0.6, 0.85, 1.1];
/// Letters from which capitals are a sign.
const FEWEST_LETTERS: u32 = 6;

/// The emotions of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Emotions {
    /// Places among the head's labels, the most probable first, then [`NO_EMOTION`].
    places: [u8; MOST_EMOTIONS],
    /// 1 to 5, 0 where there is no emotion.
    intensity: u8,
}

impl Default for Emotions {
    fn default() -> Emotions {
        Emotions {
            places: [NO_EMOTION; MOST_EMOTIONS],
            intensity: 0,
        }
    }
}

impl Emotions {
    /// What the head says about a text that was read and added up.
    pub(crate) fn of(head: &Placed, margins: &[f32], text: &TokenBuffer, source: &str) -> Emotions {
        let header = &head.header;
        let mut best = [(NO_EMOTION, 0.0f32); MOST_EMOTIONS];
        let margins = margins[head.lanes.clone()].iter().zip(&header.offsets);
        for (place, ((margin, offset), threshold)) in margins.zip(&header.thresholds).enumerate() {
            let probability = logistic(margin * header.slope + offset);
            if probability < *threshold {
                continue;
            }
            // Of equal probabilities the first label stays before the second.
            let rank = best.iter().position(|(_, other)| probability > *other);
            if let Some(rank) = rank {
                best[rank..].rotate_right(1);
                best[rank] = (place as u8, probability);
            }
        }
        let strongest = best[0].1;
        Emotions {
            places: best.map(|(place, _)| place),
            intensity: match strongest > 0.0 {
                true => intensity(strongest, text, source),
                false => 0,
            },
        }
    }

    /// The places of the emotions among the head's labels, the most probable first.
    pub(crate) fn places(self) -> impl Iterator<Item = usize> {
        let places = self.places.into_iter();
        places.filter(|place| *place != NO_EMOTION).map(usize::from)
    }

    /// 1 to 5; `None` where there is no emotion.
    pub(crate) fn intensity(self) -> Option<i16> {
        (self.intensity > 0).then_some(i16::from(self.intensity))
    }
}

/// 1 / (1 + e^−x) by the exponential whose bits are the same on every machine.
fn logistic(value: f32) -> f32 {
    let small = super::softmax::power(-value.abs());
    match value < 0.0 {
        true => small / (1.0 + small),
        false => 1.0 / (1.0 + small),
    }
}

fn intensity(probability: f32, text: &TokenBuffer, source: &str) -> u8 {
    let mut signs = u32::from(text.letters >= FEWEST_LETTERS && text.upper * 2 > text.letters);
    let (mut exclaims, mut elongates, mut intensifies, mut downtones) =
        (false, false, false, false);
    for token in &text.tokens {
        let spelling = text.spelling(token);
        match token.kind {
            Kind::Mark => exclaims |= spelling.first() == Some(&b'!'),
            Kind::Word => {
                let said = &source[token.source_start as usize..token.source_end as usize];
                elongates |= said.len() > spelling.len() && is_elongated(said.as_bytes());
                // "not very angry" is less than angry.
                let strengthens = is_intensifier(spelling);
                intensifies |= strengthens && !token.negated;
                downtones |= strengthens && token.negated || is_downtoner(spelling);
            }
            Kind::Placeholder | Kind::Symbol => {}
        }
    }
    signs += u32::from(exclaims) + u32::from(elongates) + u32::from(intensifies);
    let strength =
        probability + SIGN * signs.min(MOST_SIGNS) as f32 - if downtones { DOWNTONED } else { 0.0 };
    1 + LIMITS.iter().filter(|limit| strength >= **limit).count() as u8
}

/// Whether a letter stands three times in a row: "sooo".
fn is_elongated(word: &[u8]) -> bool {
    word.windows(3).any(|three| {
        three[0].is_ascii_alphabetic()
            && three[1].eq_ignore_ascii_case(&three[0])
            && three[2].eq_ignore_ascii_case(&three[0])
    })
}

fn is_intensifier(word: &[u8]) -> bool {
    matches!(
        word,
        b"very"
            | b"so"
            | b"soo"
            | b"really"
            | b"extremely"
            | b"absolutely"
            | b"totally"
            | b"completely"
            | b"utterly"
            | b"incredibly"
            | b"super"
            | b"beyond"
            | b"deeply"
            | b"terribly"
            | b"most"
            | b"insanely"
            | b"truly"
    )
}

fn is_downtoner(word: &[u8]) -> bool {
    matches!(
        word,
        b"slightly"
            | b"somewhat"
            | b"bit"
            | b"little"
            | b"mildly"
            | b"fairly"
            | b"kinda"
            | b"rather"
            | b"quite"
            | b"moderately"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strength(probability: f32, source: &str) -> u8 {
        let mut text = TokenBuffer::default();
        text.read(source);
        intensity(probability, &text, source)
    }

    #[test]
    fn signs_of_strength_raise_the_intensity_and_downtoners_lower_it() {
        assert_eq!(strength(0.7, "I am angry"), 3);
        assert_eq!(strength(0.7, "I am very angry!"), 4);
        assert_eq!(strength(0.7, "I AM SO ANGRY!"), 5);
        assert_eq!(strength(0.7, "I am sooooo angry!"), 5);
        assert_eq!(strength(0.7, "I am a bit angry"), 2);
        assert_eq!(strength(0.7, "I am not very angry"), 2);
        assert_eq!(strength(0.2, "hm"), 1);
    }

    #[test]
    fn the_logistic_function_is_symmetric() {
        for value in [0.0, 0.5, 3.0, 50.0, 200.0] {
            assert!((logistic(value) + logistic(-value) - 1.0).abs() < 1e-6);
            assert!(logistic(value) >= 0.5);
        }
    }
}
