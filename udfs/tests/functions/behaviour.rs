//! Behaviour lists in the manner of CheckList (Ribeiro et al. 2020): what the functions must say of
//! sentences written for one capability each, in `tests/behaviour/*.tsv`.
//!
//! A line has a kind, a function, what is expected, a text and, where two are compared, another:
//!
//! - `is` (minimum functionality): a value, several with `|` between them; `>0.2` and `<-0.2` for
//!   numbers; `has x` and `lacks x` for lists and texts;
//! - `same` (invariance): the other text has the same value, numbers within the given distance;
//! - `more`, `less` (direction): the other text has a number that is higher or lower by the given
//!   distance at least.
//!
//! `# at least 0.95` at the head of a file is the share of its lines that must hold. It is the share
//! that was reached, rounded down: raise it with what is mended, do not lower it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringArray};

use crate::support::{batch, rows, session, show, with_table};

/// The functions that a line may name.
const FUNCTIONS: [&str; 15] = [
    "sentiment",
    "sentiment_label",
    "emotion",
    "emotion_intensity",
    "intent",
    "topic",
    "effort_score",
    "effort_level",
    "churn_risk",
    "churn_risk_level",
    "escalation_request",
    "risk_signals",
    "detect_language",
    "pii_entities",
    "redact",
];

struct Line<'a> {
    place: String,
    kind: &'a str,
    function: &'a str,
    expected: &'a str,
    text: &'a str,
    other: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn parse(place: String, line: &'a str) -> Line<'a> {
        let fields: Vec<&str> = line.split('\t').collect();
        let (kind, function, expected, text, other) = match fields[..] {
            [kind, function, expected, text] => (kind, function, expected, text, None),
            [kind, function, expected, text, other] => {
                (kind, function, expected, text, Some(other))
            }
            _ => panic!("{place}: a line has four or five fields: {line}"),
        };
        assert!(FUNCTIONS.contains(&function), "{place}: {function}");
        assert_eq!(kind != "is", other.is_some(), "{place}: {line}");
        Line {
            place,
            kind,
            function,
            expected,
            text,
            other,
        }
    }

    fn holds(&self, value: &str, other: &str) -> bool {
        let number = |value: &str| value.parse::<f64>().ok();
        let distance = number(self.expected);
        let difference = number(other).zip(number(value)).map(|(b, a)| b - a);
        match self.kind {
            "is" => self.expected.split('|').any(|one| is(value, one)),
            "same" => match (distance, difference) {
                (Some(distance), Some(difference)) => difference.abs() <= distance,
                _ => value == other,
            },
            "more" => difference >= distance && difference.is_some(),
            "less" => difference.is_some_and(|d| -d >= distance.unwrap_or(f64::MAX)),
            kind => panic!("{}: no such kind of line: {kind}", self.place),
        }
    }
}

/// Whether a value is what is expected of it.
fn is(value: &str, expected: &str) -> bool {
    let bound = |rest: &str| rest.parse::<f64>().expect("a bound is a number");
    if let Some(rest) = expected.strip_prefix('>') {
        return value.parse::<f64>().is_ok_and(|v| v > bound(rest));
    }
    if let Some(rest) = expected.strip_prefix('<') {
        return value.parse::<f64>().is_ok_and(|v| v < bound(rest));
    }
    if let Some(rest) = expected.strip_prefix("has ") {
        return value.contains(rest);
    }
    if let Some(rest) = expected.strip_prefix("lacks ") {
        return value != "NULL" && !value.contains(rest);
    }
    value == expected
}

fn rate(file: &str, content: &str) -> f64 {
    let head = content.lines().find_map(|l| l.strip_prefix("# at least "));
    head.and_then(|rate| rate.trim().parse().ok())
        .unwrap_or_else(|| panic!("{file} does not say `# at least 0.95`"))
}

#[tokio::test]
async fn behaviour_lists_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/behaviour");
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if let Some(capability) = name.strip_suffix(".tsv") {
            files.insert(capability.to_owned(), fs::read_to_string(&path).unwrap());
        }
    }
    assert!(files.len() >= 20, "{} lists", files.len());
    let mut lines: BTreeMap<&str, Vec<Line<'_>>> = BTreeMap::new();
    for (capability, content) in &files {
        for (number, line) in content.lines().enumerate() {
            if !line.is_empty() && !line.starts_with('#') {
                let place = format!("{capability}.tsv, line {}", number + 1);
                lines
                    .entry(capability)
                    .or_default()
                    .push(Line::parse(place, line));
            }
        }
    }
    // Every text once; every function on all of them in one query.
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut texts = Vec::new();
    for line in lines.values().flatten() {
        for text in [Some(line.text), line.other].into_iter().flatten() {
            places.entry(text).or_insert_with(|| {
                texts.push(text);
                texts.len() - 1
            });
        }
    }
    let session = session();
    let column: ArrayRef = Arc::new(StringArray::from(texts));
    with_table(&session, vec![vec![batch(vec![("text", column)])]]);
    let calls = FUNCTIONS.map(|function| format!("{function}(text)"));
    let answers = rows(&session, &format!("SELECT {} FROM t", calls.join(", ")))
        .await
        .unwrap();
    let value = |function: &str, text: &str| {
        let column = FUNCTIONS.iter().position(|name| *name == function).unwrap();
        show(answers.column(column), places[text])
    };
    let mut too_low = Vec::new();
    for (capability, lines) in &lines {
        let mut held = 0;
        for line in lines {
            let said = value(line.function, line.text);
            let other = line.other.map(|other| value(line.function, other));
            if line.holds(&said, other.as_deref().unwrap_or_default()) {
                held += 1;
                continue;
            }
            println!(
                "{}: {} {} {}: {:?} gives {said}{}",
                line.place,
                line.function,
                line.kind,
                line.expected,
                line.text,
                match (line.other, other) {
                    (Some(text), Some(said)) => format!(", {text:?} gives {said}"),
                    _ => String::new(),
                }
            );
        }
        let share = f64::from(held) / lines.len() as f64;
        let wanted = rate(capability, &files[*capability]);
        println!(
            "{capability}: {held} of {} lines hold, {share:.3}, wanted {wanted}",
            lines.len()
        );
        if share < wanted {
            too_low.push(format!("{capability}: {share:.3}, wanted {wanted}"));
        }
    }
    assert!(too_low.is_empty(), "{too_low:#?}");
}

#[test]
fn lines_are_judged_as_they_say() {
    let line = |kind, expected| Line {
        place: String::new(),
        kind,
        function: "sentiment",
        expected,
        text: "",
        other: None,
    };
    assert!(line("is", "negative|mixed").holds("mixed", ""));
    assert!(!line("is", "negative").holds("neutral", ""));
    assert!(line("is", ">0.2").holds("0.3", ""));
    assert!(!line("is", ">0.2").holds("NULL", ""));
    assert!(line("is", "has joy").holds("[joy, surprise]", ""));
    assert!(!line("is", "lacks joy").holds("[joy]", ""));
    assert!(!line("is", "lacks joy").holds("NULL", ""));
    assert!(line("same", "0.1").holds("0.5", "0.45"));
    assert!(!line("same", "0.1").holds("0.5", "0.65"));
    assert!(line("same", "-").holds("refund", "refund"));
    assert!(line("more", "0").holds("0.1", "0.2"));
    assert!(!line("more", "0").holds("0.2", "0.1"));
    assert!(line("less", "0.1").holds("0.4", "0.2"));
    assert!(!line("less", "0.1").holds("0.4", "NULL"));
}
