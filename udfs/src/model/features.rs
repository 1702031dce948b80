//! The features of a text: hashed words, in-word character grams and word pairs.
//!
//! Every feature but the pair belongs to one word, so what a word adds to every head can be
//! computed once and kept. A text's vector is the sum over its tokens, divided by the root of
//! their number.

use super::bytes::mix;
use super::text::Kind;

/// Version of the recipe; a change makes every shipped weight file invalid.
pub(crate) const RECIPE: &str = "word1-2+char3-5/1";

/// Weight of a word's own feature.
pub(crate) const WORD_WEIGHT: f32 = 1.0;
/// Norm of a word's character grams together.
pub(crate) const GRAM_WEIGHT: f32 = 0.7;
/// A text's sum is counted in steps of one part in this many of a stored weight.
pub(crate) const STEPS: f32 = 16.0;
/// Weight of a pair of neighbours, in such steps.
pub(crate) const PAIR_STEPS: i32 = 11;
/// Weight of a pair of neighbours.
pub(crate) const PAIR_WEIGHT: f32 = PAIR_STEPS as f32 / STEPS;
/// Character grams in bytes, boundaries included.
const GRAM_LENGTHS: std::ops::RangeInclusive<usize> = 3..=5;
/// Bytes of a word that its grams cover.
const GRAM_BYTES: usize = 30;
/// Grams of a word at most.
pub(crate) const MOST_GRAMS: usize = 3 * GRAM_BYTES;

const WORD_SALT: u64 = 0x5851_f42d_4c95_7f2d;
const NEGATED_SALT: u64 = 0x1405_7b7e_f767_814f;
const PAIR_SALT: u64 = 0x2545_f491_4f6c_dd1d;

/// Calls `emit(hash, weight)` for every feature of a word. The upper bits of the hash are the
/// good ones: a table of 2^b rows takes the upper b.
#[inline(always)]
pub(crate) fn word_features(
    hash: u64,
    spelling: &[u8],
    kind: Kind,
    negated: bool,
    mut emit: impl FnMut(u64, f32),
) {
    let salt = if negated { NEGATED_SALT } else { WORD_SALT };
    emit(mix(hash ^ salt), WORD_WEIGHT);
    if kind != Kind::Word {
        return;
    }
    // Room behind the word, so that eight bytes can be read wherever a gram begins.
    let mut padded = [b'_'; GRAM_BYTES + 2 + 8];
    let length = spelling.len().min(GRAM_BYTES);
    padded[1..=length].copy_from_slice(&spelling[..length]);
    let end = length + 2;
    let count: usize = GRAM_LENGTHS.map(|n| (end + 1).saturating_sub(n)).sum();
    if count == 0 {
        return;
    }
    let weight = GRAM_WEIGHT / (count as f32).sqrt();
    for length in GRAM_LENGTHS {
        let letters = u64::MAX >> (64 - 8 * length);
        for eight in padded
            .array_windows::<8>()
            .take((end + 1).saturating_sub(length))
        {
            let gram = u64::from_le_bytes(*eight) & letters;
            emit(mix(gram | (length as u64) << 56), weight);
        }
    }
}

/// The hash of the pair of two neighbours, from the hashes of their spellings.
#[inline(always)]
pub(crate) fn pair_feature(left: u64, right: u64) -> u64 {
    mix(left.rotate_left(23) ^ right ^ PAIR_SALT)
}

/// The pairs of neighbours that the shipped heads know: the others would read what collides with
/// them. A bit for every pair, by its hash: says no for sure, and yes to one in twenty too many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownPairs(Box<[u64; KnownPairs::BITS / 64]>);

impl KnownPairs {
    /// Bits; a power of two.
    const BITS: usize = 1 << 20;

    /// The pairs of these hashes.
    pub(crate) fn new(pairs: impl Iterator<Item = u64>) -> KnownPairs {
        let mut words = Box::new([0; Self::BITS / 64]);
        for pair in pairs {
            words[Self::bit(pair) / 64] |= 1 << (pair % 64);
        }
        KnownPairs(words)
    }

    /// Reads what [`KnownPairs::bytes`] wrote.
    pub(crate) fn parse(bytes: &[u8]) -> Option<KnownPairs> {
        let (words, rest) = bytes.as_chunks();
        let words: Box<[u64]> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let fits = rest.is_empty();
        fits.then(|| words.try_into().ok().map(KnownPairs))
            .flatten()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// Whether a pair may be known.
    #[inline(always)]
    pub(crate) fn may_hold(&self, pair: u64) -> bool {
        self.0[Self::bit(pair) / 64] & (1 << (pair % 64)) != 0
    }

    #[inline(always)]
    fn bit(pair: u64) -> usize {
        pair as usize & (Self::BITS - 1)
    }
}

/// The factor of a text of `tokens` tokens.
pub(crate) fn text_factor(tokens: usize) -> f32 {
    1.0 / (tokens.max(1) as f32).sqrt()
}
