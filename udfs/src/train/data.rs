//! Reads the training sets and says what each row means in our own labels.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::TrainError;
use super::solver::{random, shuffle};
pub(crate) use crate::model::NONE;

/// Rows of one label of one source that are used at most, unless they are scarce by nature.
const ROWS_PER_LABEL: usize = 400;
/// The same for labels that mean "none of our intents".
const ROWS_PER_OTHER: usize = 120;
/// Expansions of one sentence pattern of our own.
const EXPANSIONS: usize = 60;
/// Share of a set without a validation split that is held out: one row in this many.
const HELD_OUT: u64 = 10;

/// One text with its labels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Example {
    pub(crate) text: String,
    pub(crate) source: &'static str,
    pub(crate) intent: String,
    pub(crate) topic: String,
}

/// A text with one label.
#[derive(Debug, Clone, Default)]
pub(crate) struct Labelled {
    pub(crate) text: String,
    pub(crate) label: u16,
}

/// A split of something.
#[derive(Debug, Default)]
pub(crate) struct Split<T> {
    pub(crate) train: Vec<T>,
    pub(crate) valid: Vec<T>,
}

/// The set of conversations of support with intents and topics.
pub(crate) fn intents(folder: &Path, seed: u64) -> Result<Split<Example>, TrainError> {
    let taxonomy = taxonomy()?;
    let mut split = Split::default();
    let mut state = seed;
    let multidogo = [
        "airline",
        "fastfood",
        "finance",
        "insurance",
        "media",
        "software",
    ];
    let mut files: Vec<(&'static str, PathBuf, bool)> = Vec::new();
    files.push(("banking77", folder.join("banking77/train.csv"), false));
    for valid in [false, true] {
        let name = if valid { "valid.csv" } else { "train.csv" };
        files.push(("clinc150", folder.join("clinc150").join(name), valid));
        files.push(("hwu64", folder.join("hwu64").join(name), valid));
        files.push(("bitext", folder.join("bitext-support").join(name), valid));
        for domain in multidogo {
            let path = folder.join("multidogo").join(format!("{domain}-{name}"));
            files.push(("multidogo", path, valid));
        }
    }
    for (source, path, valid) in files {
        let mut rows = read(&path, "label")?;
        if source == "banking77" {
            let (kept, held) = hold_out(rows, &mut state);
            split.valid.extend(meaning(source, held, &taxonomy));
            rows = kept;
        }
        let rows = if valid {
            rows
        } else {
            thin(rows, source, &taxonomy, &mut state)
        };
        let target = if valid {
            &mut split.valid
        } else {
            &mut split.train
        };
        target.extend(meaning(source, rows, &taxonomy));
    }
    let mut tweets = read(&folder.join("tweet-sentiment/train.csv"), "label")?;
    shuffle(&mut tweets, &mut state);
    tweets.truncate(3_000);
    split.train.extend(meaning("tweets", tweets, &taxonomy));
    split.train.extend(phrases(&mut state)?);
    Ok(split)
}

/// Draws a tenth of some rows for a set without a validation split: what is kept, what is held out.
///
/// `state` is the seed and moves on; [`super::SEED`] draws the rows of banking77 that the shipped
/// weights have not seen.
pub fn hold_out<T>(rows: Vec<T>, state: &mut u64) -> (Vec<T>, Vec<T>) {
    rows.into_iter()
        .partition(|_| !random(state).is_multiple_of(HELD_OUT))
}

/// Intents whose sentences are neutral as a rule: people ask for something.
const NEUTRAL_INTENTS: [&str; 20] = [
    "account_change",
    "account_creation",
    "account_information",
    "address_change",
    "booking_change",
    "booking_request",
    "booking_status",
    "card_request",
    "change_order",
    "change_plan",
    "delivery_options",
    "fee_question",
    "invoice_request",
    "make_payment",
    "payment_methods",
    "place_order",
    "price_question",
    "product_question",
    "refund_policy",
    "identity_verification",
];
/// Intents whose sentences report something bad, unless they only ask for it to be dealt with.
const NEGATIVE_INTENTS: [&str; 8] = [
    "complaint",
    "fraud_report",
    "login_problem",
    "payment_problem",
    "product_defect",
    "refund_status",
    "technical_problem",
    "wrong_charge",
];
/// Requests of each tone that the sentiment head sees.
const TONED_REQUESTS: usize = 3_000;
/// How often the head sees each of our own sentences: there are few of them among the tweets.
const OWN_TONES: usize = 4;

/// The tone of a request: 0 negative, 1 neutral, `None` where it cannot be told.
///
/// The subject of a question can be bad and its tone is neutral all the same: "how do I reset my
/// password", "what is the status of my refund". Questions that complain are left out.
pub(super) fn tone(row: &Example) -> Option<u16> {
    let intent = row.intent.as_str();
    let is_bad = NEGATIVE_INTENTS.contains(&intent);
    if !is_bad && !NEUTRAL_INTENTS.contains(&intent) {
        return None;
    }
    // This set words its requests for a new password or the state of a refund without a feeling.
    let asks = asks(&row.text)
        || row.source == "bitext" && matches!(intent, "login_problem" | "refund_status");
    match (is_bad, asks) {
        (true, false) => Some(0),
        (true, true) => (!complains(&row.text)).then_some(1),
        (false, _) => Some(1),
    }
}

/// Whether a text is put as a question or a plain wish.
fn asks(text: &str) -> bool {
    const OPENINGS: [&str; 30] = [
        "how",
        "what",
        "what's",
        "where",
        "where's",
        "when",
        "which",
        "who",
        "can",
        "could",
        "would",
        "will",
        "may",
        "is",
        "are",
        "do",
        "does",
        "did",
        "has",
        "have",
        "help",
        "tell",
        "show",
        "i want to",
        "i need to",
        "i would like",
        "i'd like",
        "need to",
        "want to",
        "check",
    ];
    const LEADS: [&str; 8] = ["hi", "hello", "hey", "please", "ok", "so", "yes", "good"];
    let text = text.to_lowercase();
    let mut rest = text.trim_start();
    while let Some((first, after)) = rest.split_once(' ')
        && LEADS.contains(&first.trim_end_matches([',', '.', '!']))
    {
        rest = after.trim_start();
    }
    let opens = |opening: &&str| {
        rest.strip_prefix(*opening)
            .is_some_and(|after| after.is_empty() || after.starts_with(' '))
    };
    text.trim_end().ends_with('?') || OPENINGS.iter().any(opens)
}

/// Whether a question has a word of complaint.
fn complains(text: &str) -> bool {
    const COMPLAINTS: [&str; 26] = [
        "why", "not", "never", "still", "twice", "again", "yet", "no", "cannot", "can't", "cant",
        "won't", "isn't", "hasn't", "haven't", "didn't", "doesn't", "wrong", "stolen", "hacked",
        "fraud", "broken", "failed", "declined", "lost", "waiting",
    ];
    text.to_lowercase()
        .split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .any(|word| COMPLAINTS.contains(&word))
}

/// Tweets with their sentiment (0 negative, 1 neutral, 2 positive), with requests whose
/// intent tells their tone and sentences of our own.
pub(crate) fn sentiments(
    folder: &Path,
    requests: &[Example],
    seed: u64,
) -> Result<Split<Labelled>, TrainError> {
    const NAMES: [&str; 3] = ["negative", "neutral", "positive"];
    let load = |name: &str| -> Result<Vec<Labelled>, TrainError> {
        let rows = read(&folder.join("tweet-sentiment").join(name), "label")?;
        Ok(rows
            .into_iter()
            .filter_map(|(text, label)| {
                let label = NAMES.iter().position(|name| *name == label)?;
                Some(Labelled {
                    text: unescape(&text),
                    label: label as u16,
                })
            })
            .collect())
    };
    let mut split = Split {
        train: load("train.csv")?,
        valid: load("valid.csv")?,
    };
    let mut state = seed;
    for label in [0, 1] {
        let mut toned: Vec<Labelled> = requests
            .iter()
            .filter(|row| tone(row) == Some(label))
            .map(|row| Labelled {
                text: row.text.clone(),
                label,
            })
            .collect();
        shuffle(&mut toned, &mut state);
        toned.truncate(TONED_REQUESTS);
        split.train.extend(toned);
    }
    for (tone, text) in expansions(
        "tones.txt",
        include_str!("tones.txt"),
        |text, _| text,
        &mut state,
    )? {
        let label = NAMES.iter().position(|name| *name == tone).unwrap_or(1) as u16;
        let row = Labelled { text, label };
        split.train.extend(std::iter::repeat_n(row, OWN_TONES));
    }
    Ok(split)
}

/// Reads the columns `text` and `label` of a CSV file.
pub(crate) fn read(path: &Path, label: &str) -> Result<Vec<(String, String)>, TrainError> {
    let failed = |reason: String| TrainError::Data {
        path: path.to_owned(),
        reason,
    };
    let mut reader = csv::Reader::from_path(path).map_err(|error| failed(error.to_string()))?;
    let header = reader
        .headers()
        .map_err(|error| failed(error.to_string()))?
        .clone();
    let column = |name: &str| {
        header
            .iter()
            .position(|field| field == name)
            .ok_or_else(|| failed(format!("there is no column {name}")))
    };
    let (text, label) = (column("text")?, column(label)?);
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| failed(error.to_string()))?;
        let field = |at: usize| record.get(at).unwrap_or_default().trim().to_owned();
        if !field(text).is_empty() && !field(label).is_empty() {
            rows.push((field(text), field(label)));
        }
    }
    Ok(rows)
}

type Taxonomy = HashMap<(&'static str, &'static str), (&'static str, &'static str)>;

fn taxonomy() -> Result<Taxonomy, TrainError> {
    let mut taxonomy = HashMap::new();
    for line in include_str!("taxonomy.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let fields: Vec<&'static str> = line.split('\t').collect();
        let [source, label, intent, topic] = fields[..] else {
            return Err(TrainError::Recipe(format!(
                "taxonomy.tsv: `{line}` has not four fields"
            )));
        };
        taxonomy.insert((source, label), (intent, topic));
    }
    Ok(taxonomy)
}

fn look_up(taxonomy: &Taxonomy, source: &str, label: &str) -> Option<(&'static str, &'static str)> {
    taxonomy
        .get(&(source, label))
        .or_else(|| taxonomy.get(&(source, "*")))
        .copied()
}

fn meaning(source: &'static str, rows: Vec<(String, String)>, taxonomy: &Taxonomy) -> Vec<Example> {
    rows.into_iter()
        .filter_map(|(text, label)| {
            let (intent, topic) = look_up(taxonomy, source, &label)?;
            Some(Example {
                text,
                source,
                intent: intent.to_owned(),
                topic: topic.to_owned(),
            })
        })
        .collect()
}

/// Keeps a bounded number of rows per label, chosen by the seed.
fn thin(
    mut rows: Vec<(String, String)>,
    source: &str,
    taxonomy: &Taxonomy,
    state: &mut u64,
) -> Vec<(String, String)> {
    shuffle(&mut rows, state);
    let mut taken: HashMap<String, usize> = HashMap::new();
    rows.retain(|(_, label)| {
        let Some((intent, _)) = look_up(taxonomy, source, label) else {
            return false;
        };
        let limit = if intent == NONE && source != "multidogo" {
            ROWS_PER_OTHER
        } else {
            ROWS_PER_LABEL
        };
        let count = taken.entry(label.clone()).or_default();
        *count += 1;
        *count <= limit
    });
    rows
}

/// The requests of our own, expanded.
fn phrases(state: &mut u64) -> Result<Vec<Example>, TrainError> {
    let sentences = expansions("phrases.txt", include_str!("phrases.txt"), dressed, state)?;
    sentences
        .into_iter()
        .map(|(section, text)| {
            let (intent, topic) = section.split_once(' ').ok_or_else(|| {
                TrainError::Recipe(format!(
                    "phrases.txt: [{section}] needs an intent and a topic"
                ))
            })?;
            Ok(Example {
                text,
                source: "own",
                intent: intent.to_owned(),
                topic: topic.to_owned(),
            })
        })
        .collect()
}

/// The expanded sentences of a file, each with the name of its section.
pub(super) fn expansions(
    file: &str,
    text: &'static str,
    dress: fn(String, &mut u64) -> String,
    state: &mut u64,
) -> Result<Vec<(&'static str, String)>, TrainError> {
    let mut sentences = Vec::new();
    let mut section = None;
    let mut names: Vec<(&str, String)> = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = Some(name);
            continue;
        }
        if line.starts_with('$')
            && let Some((name, options)) = line.split_once(" = ")
        {
            names.push((name, format!("({options})")));
            continue;
        }
        let section = section
            .ok_or_else(|| TrainError::Recipe(format!("{file}: a sentence before a section")))?;
        let mut line = line.to_owned();
        for (name, options) in &names {
            line = line.replace(name, options);
        }
        let mut seen = Vec::new();
        for _ in 0..EXPANSIONS * 2 {
            let text = dress(expand(&line, state), state);
            if !seen.contains(&text) && seen.len() < EXPANSIONS {
                seen.push(text);
            }
        }
        sentences.extend(seen.into_iter().map(|text| (section, text)));
    }
    Ok(sentences)
}

/// What people write around a request; every third sentence gets some of it.
fn dressed(text: String, state: &mut u64) -> String {
    const BEFORE: [&str; 16] = [
        "order #123-4567890-1234567.",
        "order number 40012345:",
        "my order id is 502-1234567.",
        "regarding order 123-99812,",
        "hi,",
        "hello team,",
        "good morning,",
        "hey @company",
        "@company",
        "hi there!",
        "dear support,",
        "so",
        "ok but",
        "please help,",
        "seriously,",
        "just to let you know,",
    ];
    const AFTER: [&str; 14] = [
        "please help",
        "thanks",
        "thank you in advance",
        "what happened?",
        "any idea?",
        "can you check?",
        "this is urgent",
        "very disappointed",
        "please fix this",
        "i have been a customer for years",
        "kindly investigate",
        "asap please",
        "help!",
        "what can i do?",
    ];
    let mut text = text;
    if random(state).is_multiple_of(3) {
        text = format!(
            "{} {text}",
            BEFORE[(random(state) % BEFORE.len() as u64) as usize]
        );
    }
    if random(state).is_multiple_of(3) {
        let mark = [".", ",", "!"][(random(state) % 3) as usize];
        text = format!(
            "{text}{mark} {}",
            AFTER[(random(state) % AFTER.len() as u64) as usize]
        );
    }
    text
}

/// One reading of a sentence with `(a|b)` alternatives, which may hold others; `⟨` and `⟩` stand for
/// the brackets themselves.
fn expand(pattern: &str, state: &mut u64) -> String {
    let mut text = String::with_capacity(pattern.len());
    append_reading(pattern, state, &mut text);
    let text = text.replace('⟨', "(").replace('⟩', ")");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn append_reading(pattern: &str, state: &mut u64, text: &mut String) {
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('(') {
        text.push_str(before);
        let mut options = Vec::new();
        let (mut depth, mut start) = (0usize, 0);
        let mut end = None;
        for (at, character) in after.char_indices() {
            match character {
                '(' => depth += 1,
                ')' if depth > 0 => depth -= 1,
                '|' | ')' if depth == 0 => {
                    options.push(&after[start..at]);
                    start = at + 1;
                    if character == ')' {
                        end = Some(start);
                        break;
                    }
                }
                _ => {}
            }
        }
        // A group that is never closed is left out.
        let Some(end) = end else { return };
        let pick = options[(random(state) % options.len() as u64) as usize];
        append_reading(pick, state, text);
        rest = &after[end..];
    }
    text.push_str(rest);
}

/// Undoes the escapes that the tweets were published with.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\u") {
        plain.push_str(before);
        let character = after
            .get(..4)
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            .and_then(char::from_u32);
        match character {
            Some(character) => {
                plain.push(character);
                rest = &after[4..];
            }
            None => {
                plain.push_str("\\u");
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
        .replace("\"\"", "\"")
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_may_hold_alternatives() {
        let mut state = 3;
        let mut seen = Vec::new();
        for _ in 0..100 {
            seen.push(expand("(a|b (c|d)) e(| f)⟩", &mut state));
        }
        seen.sort();
        seen.dedup();
        assert_eq!(
            seen,
            ["a e f)", "a e)", "b c e f)", "b c e)", "b d e f)", "b d e)"]
        );
        assert_eq!(expand("a (b", &mut state), "a");
    }
}
