//! The words whose sums are computed when a model set is loaded.

use std::collections::HashMap;

use crate::model::features::{KnownPairs, pair_feature};
use crate::model::text::TokenBuffer;

/// A word has to occur this often to be kept.
const FEWEST: u32 = 2;
/// Words that are kept at most, the most frequent first.
const MOST: usize = 40_000;

/// A pair of neighbours has to occur this often to be known.
const FEWEST_PAIRS: u32 = 3;

/// The pairs of neighbours that occur in some texts often enough to be told from chance.
pub(crate) fn pairs<'a>(texts: impl Iterator<Item = &'a str>) -> KnownPairs {
    let mut counts: HashMap<u64, u32> = HashMap::new();
    let mut buffer = TokenBuffer::default();
    for text in texts {
        buffer.read(text);
        for two in buffer.tokens.windows(2) {
            *counts
                .entry(pair_feature(two[0].hash, two[1].hash))
                .or_default() += 1;
        }
    }
    let often = counts
        .into_iter()
        .filter(|(_, count)| *count >= FEWEST_PAIRS);
    KnownPairs::new(often.map(|(pair, _)| pair))
}

/// The frequent words of some texts, one a line, `!` before a negated one, most frequent first.
pub(crate) fn learn<'a>(
    tweets: impl Iterator<Item = &'a str>,
    requests: impl Iterator<Item = &'a str>,
) -> String {
    let mut counts: HashMap<String, u32> = HashMap::new();
    let mut buffer = TokenBuffer::default();
    for text in tweets.chain(requests) {
        buffer.read(text);
        for token in &buffer.tokens {
            let Ok(spelling) = std::str::from_utf8(buffer.spelling(token)) else {
                continue;
            };
            let key = format!("{}{spelling}", if token.negated { "!" } else { "" });
            *counts.entry(key).or_default() += 1;
        }
    }
    let mut words: Vec<(String, u32)> = counts
        .into_iter()
        .filter(|(_, count)| *count >= FEWEST)
        .collect();
    words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    words.truncate(MOST);
    let mut text = String::new();
    for (word, _) in words {
        text.push_str(&word);
        text.push('\n');
    }
    text
}
