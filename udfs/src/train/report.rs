//! Figures on rows that the heads were not trained on.

use std::collections::BTreeMap;
use std::fmt;

use super::data::{Example, Labelled, NONE, Split};
use super::language::LANGUAGES;
use crate::model::{ModelSet, Scorer, UNCLASSIFIED};

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The head that it belongs to.
    pub task: &'static str,
    /// What was measured, on what.
    pub name: String,
    /// The value, 0..1 unless the name says otherwise.
    pub value: f64,
    /// Rows that it was measured on.
    pub rows: usize,
}

/// Every figure of a training.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// In the order of the heads.
    pub figures: Vec<Figure>,
}

impl fmt::Display for Report {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for figure in &self.figures {
            let Figure {
                task,
                name,
                value,
                rows,
            } = figure;
            writeln!(to, "{task:<16} {name:<56} {value:>7.4}  ({rows} rows)")?;
        }
        Ok(())
    }
}

/// Measures a set of the very bytes that are written, by the scorer that answers queries.
pub(crate) fn measure(
    set: &ModelSet,
    sentiments: &Split<Labelled>,
    intents: &Split<Example>,
    languages: Option<&Split<Labelled>>,
) -> Report {
    let mut report = Report::default();
    sentiment(set, &sentiments.train, &sentiments.valid, &mut report);
    requests(set, &intents.valid, &mut report);
    if let Some(languages) = languages {
        language(set, &languages.valid, &mut report);
    }
    report
}

fn sentiment(set: &ModelSet, train: &[Labelled], valid: &[Labelled], report: &mut Report) {
    let mut scorer = Scorer::new(set);
    let answers: Vec<Option<(f64, &'static str)>> = valid
        .iter()
        .map(|row| scorer.sentiment(&row.text))
        .collect();
    let copies = near_copies(train, valid);
    for (name, keep) in [
        ("valid split", true),
        ("valid split without near copies", false),
    ] {
        let (mut right, mut total) = ([0.0; 3], [0.0f64; 3]);
        for (row, truth) in valid.iter().enumerate() {
            let Some((score, _)) = answers[row].filter(|_| keep || !copies[row]) else {
                continue;
            };
            let said = band(score);
            total[truth.label as usize] += 1.0;
            right[truth.label as usize] += f64::from(u8::from(said == truth.label));
        }
        let recall = (0..3)
            .map(|k| right[k] / f64::max(total[k], 1.0))
            .sum::<f64>()
            / 3.0;
        report.figures.push(Figure {
            task: "sentiment",
            name: format!("macro-recall by the score's bands, {name}"),
            value: recall,
            rows: total.iter().sum::<f64>() as usize,
        });
    }
    let (mut right, mut total) = ([0.0; 3], [0.0f64; 3]);
    for (row, truth) in valid.iter().enumerate().filter(|(row, _)| !copies[*row]) {
        let names = ["negative", "neutral", "positive"];
        total[truth.label as usize] += 1.0;
        let hit = answers[row].is_some_and(|(_, said)| said == names[truth.label as usize]);
        right[truth.label as usize] += f64::from(u8::from(hit));
    }
    report.figures.push(Figure {
        task: "sentiment",
        name: "macro-recall of the label (mixed counts as wrong), no near copies".to_owned(),
        value: (0..3)
            .map(|k| right[k] / f64::max(total[k], 1.0))
            .sum::<f64>()
            / 3.0,
        rows: total.iter().sum::<f64>() as usize,
    });
}

/// The class that a score alone tells.
fn band(score: f64) -> u16 {
    match score {
        s if s < -0.2 => 0,
        s if s > 0.2 => 2,
        _ => 1,
    }
}

/// Which held-out tweets share most of their words with a training tweet.
fn near_copies(train: &[Labelled], valid: &[Labelled]) -> Vec<bool> {
    let words = |text: &str| -> Vec<String> {
        let mut words: Vec<String> = text
            .to_lowercase()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        words.sort();
        words.dedup();
        words
    };
    let mut holders: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let kept: Vec<Vec<String>> = train.iter().map(|row| words(&row.text)).collect();
    for (index, row) in kept.iter().enumerate() {
        for word in row {
            holders.entry(word.clone()).or_default().push(index as u32);
        }
    }
    valid
        .iter()
        .map(|row| {
            let own = words(&row.text);
            let mut shared: BTreeMap<u32, usize> = BTreeMap::new();
            for word in &own {
                for holder in holders
                    .get(word)
                    .filter(|h| h.len() < 2_000)
                    .into_iter()
                    .flatten()
                {
                    *shared.entry(*holder).or_default() += 1;
                }
            }
            shared.keys().any(|index| {
                let other = &kept[*index as usize];
                let common = own
                    .iter()
                    .filter(|word| other.binary_search(word).is_ok())
                    .count();
                common * 10 > (own.len() + other.len() - common) * 6
            })
        })
        .collect()
}

fn requests(set: &ModelSet, valid: &[Example], report: &mut Report) {
    let mut scorer = Scorer::new(set);
    let mut right: BTreeMap<(&'static str, &'static str, bool), (f64, f64)> = BTreeMap::new();
    for truth in valid {
        let (intent, topic) = scorer
            .labels(&truth.text)
            .unwrap_or((UNCLASSIFIED, UNCLASSIFIED));
        for (task, said, truth_label) in [
            ("intent", intent, &truth.intent),
            ("topic", topic, &truth.topic),
        ] {
            let other = truth_label == NONE;
            let hit = if other {
                said == UNCLASSIFIED
            } else {
                said == truth_label
            };
            for source in [truth.source, "all"] {
                let entry = right.entry((task, source, other)).or_default();
                entry.0 += f64::from(u8::from(hit));
                entry.1 += 1.0;
            }
        }
    }
    for ((task, source, other), (hits, rows)) in right {
        let what = if other {
            "none of ours, left unclassified"
        } else {
            "accuracy"
        };
        report.figures.push(Figure {
            task,
            name: format!("{what}, {source}"),
            value: hits / rows,
            rows: rows as usize,
        });
    }
}

fn language(set: &ModelSet, valid: &[Labelled], report: &mut Report) {
    let mut scorer = Scorer::new(set);
    let (mut right, mut told, mut english_lost, mut english) = (0.0, 0.0f64, 0.0, 0.0f64);
    for truth in valid {
        let code = LANGUAGES[truth.label as usize].0;
        let answer = scorer.language(&truth.text);
        told += f64::from(u8::from(answer.is_some()));
        right += f64::from(u8::from(answer == Some(code)));
        if code == "en" {
            english += 1.0;
            english_lost += f64::from(u8::from(answer.is_some_and(|answer| answer != "en")));
        }
    }
    let figures = [
        ("answers that are right", right / told.max(1.0), told),
        (
            "texts with an answer",
            told / valid.len().max(1) as f64,
            valid.len() as f64,
        ),
        (
            "English taken for another language",
            english_lost / english.max(1.0),
            english,
        ),
    ];
    for (name, value, rows) in figures {
        report.figures.push(Figure {
            task: "detect_language",
            name: name.to_owned(),
            value,
            rows: rows as usize,
        });
    }
}
