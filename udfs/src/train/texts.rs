//! The texts that the encoder of sentences is taught with: those of the training splits, and
//! mixtures of them, each with the words as the engine reads them.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::Path;

use super::data::{hold_out, read};
use super::solver::{random, shuffle};
use super::{SEED, TrainError};
use crate::model::text::TokenBuffer;

/// Sets, their training files and how often a mixture begins with a text of them.
const SOURCES: [(&str, &[&str], u64); 7] = [
    ("banking77", &["train.csv"], 5),
    ("clinc150", &["train.csv"], 5),
    ("hwu64", &["train.csv"], 4),
    ("bitext-support", &["train.csv"], 2),
    (
        "multidogo",
        &[
            "airline-train.csv",
            "fastfood-train.csv",
            "finance-train.csv",
            "insurance-train.csv",
            "media-train.csv",
            "software-train.csv",
        ],
        3,
    ),
    ("tweet-sentiment", &["train.csv"], 1),
    ("goemotions", &["train.csv"], 1),
];
/// A longer text is left out.
const MOST_BYTES: usize = 600;
/// A mixture is made of texts of at most so many words.
const MOST_WORDS: usize = 30;
/// Mixtures.
const MIXTURES: usize = 400_000;

/// Writes the texts, one JSON object a line: `text`, `words` as the engine reads them, `mixed`.
///
/// The tenth of banking77 that figures are measured on is left out, though labels are not used.
///
/// # Errors
/// A set is missing or cannot be read; `out` cannot be written, told for `path`.
pub fn encoder_texts(
    data_dir: &Path,
    path: &Path,
    out: &mut dyn Write,
) -> Result<usize, TrainError> {
    let mut known = HashSet::new();
    let mut texts: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (place, (set, files, _)) in SOURCES.iter().enumerate() {
        for file in *files {
            let mut rows = read(&data_dir.join(set).join(file), "text")?;
            if *set == "banking77" {
                rows = hold_out(rows, &mut SEED.clone()).0;
            }
            for (text, _) in rows {
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                if text.len() <= MOST_BYTES && known.insert(text.clone()) {
                    texts.entry(place).or_default().push(text);
                }
            }
        }
    }
    let mut all: Vec<(String, bool)> = texts
        .values()
        .flatten()
        .map(|text| (text.clone(), false))
        .collect();
    let mixtures = mixtures(&texts, &mut known);
    all.extend(mixtures.into_iter().map(|text| (text, true)));
    shuffle(&mut all, &mut SEED.clone());
    let mut buffer = TokenBuffer::default();
    for (text, mixed) in &all {
        buffer.read(text);
        let words: Vec<_> = buffer
            .tokens
            .iter()
            .map(|token| String::from_utf8_lossy(buffer.spelling(token)))
            .collect();
        let line = serde_json::json!({"text": text, "words": words, "mixed": mixed});
        writeln!(out, "{line}").map_err(|source| TrainError::Write {
            path: path.to_owned(),
            source,
        })?;
    }
    Ok(all.len())
}

/// Texts that nobody wrote: words left out, a span taken from another text, two texts one behind
/// the other, a piece. The teacher reads them like any other, which shows what each word adds.
fn mixtures(texts: &BTreeMap<usize, Vec<String>>, known: &mut HashSet<String>) -> Vec<String> {
    let short: Vec<Vec<Vec<&str>>> = texts
        .values()
        .map(|texts| {
            texts
                .iter()
                .map(|text| text.split(' ').collect::<Vec<_>>())
                .filter(|words| words.len() <= MOST_WORDS)
                .collect()
        })
        .collect();
    let total: u64 = SOURCES.iter().map(|(_, _, weight)| weight).sum();
    let mut state = SEED;
    let mut below = |end: usize| (random(&mut state) % end.max(1) as u64) as usize;
    let mut mixtures = Vec::with_capacity(MIXTURES);
    // A bound, should the sets be too small to give as many.
    for _ in 0..MIXTURES * 4 {
        if mixtures.len() == MIXTURES {
            break;
        }
        let mut pick = below(total as usize) as u64;
        let source = SOURCES
            .iter()
            .position(|(_, _, weight)| {
                let found = pick < *weight;
                pick = pick.saturating_sub(*weight);
                found
            })
            .and_then(|place| short.get(place))
            .filter(|texts| !texts.is_empty());
        let Some(source) = source else {
            continue;
        };
        let mut words = source[below(source.len())].clone();
        let other = &source[below(source.len())];
        let kind = below(100);
        if kind < 35 && words.len() > 3 {
            words.retain(|_| below(100) >= 15);
        } else if kind < 75 && words.len() > 2 {
            let at = below(words.len());
            let end = (at + 1 + below(words.len() / 2)).min(words.len());
            let from = below(other.len());
            let to = (from + 1 + below(other.len() / 2)).min(other.len());
            words.splice(at..end, other[from..to].iter().copied());
        } else if kind < 90 && words.len() < 16 {
            words.extend(other.iter().take(16));
        } else {
            let length = 1 + below(words.len());
            let at = below(words.len() + 1 - length);
            words = words[at..at + length].to_vec();
        }
        let text = words.join(" ");
        if !text.is_empty() && known.insert(text.clone()) {
            mixtures.push(text);
        }
    }
    mixtures
}
