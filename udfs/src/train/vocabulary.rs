//! The words whose sums are computed when a model set is loaded.

use std::collections::HashMap;

use crate::model::text::TokenBuffer;

/// A word has to occur this often to be kept.
const FEWEST: u32 = 4;
/// Words that are kept at most, the most frequent first.
const MOST: usize = 20_000;

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
