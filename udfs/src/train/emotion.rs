//! The emotion head: every emotion is a decision of its own, a text has any number of them.

use std::path::Path;
use std::sync::Arc;

use super::data::{self, Example, Labelled, expansions};
use super::head::{Recipe, Table};
use super::report::{Figure, Report};
use super::solver::{Settings, Weights, random, shuffle, train_where};
use super::{SEED, TrainError, credit};
use crate::model::features::KnownPairs;
use crate::model::{Head, ModelSet, Scorer};

/// Our emotions with the labels of GoEmotions that they stand for.
const EMOTIONS: [(&str, &[&str]); 11] = [
    ("anger", &["anger"]),
    ("frustration", &["annoyance"]),
    ("disappointment", &["disappointment"]),
    ("sadness", &["sadness", "grief"]),
    ("worry", &["fear", "nervousness"]),
    ("disgust", &["disgust"]),
    ("confusion", &["confusion"]),
    ("surprise", &["surprise"]),
    ("gratitude", &["gratitude"]),
    ("joy", &["joy", "excitement", "love", "relief"]),
    ("admiration", &["admiration"]),
];

/// Requests without a feeling that the head sees.
const PLAIN_REQUESTS: usize = 6_000;
/// Share of the training rows that calibrate: one row in this many.
const CALIBRATION: u64 = 10;
/// How often the head sees each of our own sentences: there are few of them among the comments.
const OWN_TIMES: usize = 3;
/// Thresholds that are tried, in percent: lower ones find more and are wrong three times of four.
const THRESHOLDS: std::ops::RangeInclusive<usize> = 18..=60;

/// Texts of the emotion head; the label of a row is a bit for each of [`EMOTIONS`].
#[derive(Debug, Default)]
pub(super) struct Emotions {
    train: Vec<Labelled>,
    /// Kept out of `train` for the calibration.
    calibration: Vec<Labelled>,
    /// The valid split of GoEmotions, for the figures alone.
    valid: Vec<Labelled>,
    comments: usize,
    own: usize,
}

/// GoEmotions with plain requests and sentences of our own.
pub(super) fn texts(folder: &Path, requests: &[Example]) -> Result<Emotions, TrainError> {
    let folder = folder.join("goemotions");
    let load = |name: &str| -> Result<Vec<Labelled>, TrainError> {
        let rows = data::read(&folder.join(name), "labels")?.into_iter();
        let rows = rows.map(|(text, labels)| Labelled {
            label: bits(&labels, '|', |(_, theirs), label| theirs.contains(&label)),
            text,
        });
        Ok(rows.collect())
    };
    let mut state = SEED;
    let mut texts = Emotions {
        valid: load("valid.csv")?,
        ..Emotions::default()
    };
    let mut rows = load("train.csv")?;
    texts.comments = rows.len();
    let mut plain: Vec<Labelled> = requests
        .iter()
        .filter(|row| data::tone(row) == Some(1))
        .map(|row| Labelled {
            text: row.text.clone(),
            label: 0,
        })
        .collect();
    shuffle(&mut plain, &mut state);
    plain.truncate(PLAIN_REQUESTS);
    rows.extend(plain);
    for row in rows {
        match random(&mut state).is_multiple_of(CALIBRATION) {
            true => texts.calibration.push(row),
            false => texts.train.push(row),
        }
    }
    let own = expansions(
        "emotions.txt",
        include_str!("emotions.txt"),
        |text, _| text,
        &mut state,
    )?;
    texts.own = own.len();
    for (section, text) in own {
        let label = bits(section, ' ', |(ours, _), label| *ours == label);
        let row = Labelled { text, label };
        texts.train.extend(std::iter::repeat_n(row, OWN_TIMES));
    }
    Ok(texts)
}

/// A bit for each of our emotions that one of the labels stands for.
fn bits(
    labels: &str,
    separator: char,
    means: impl Fn(&(&'static str, &'static [&'static str]), &str) -> bool,
) -> u16 {
    let mut bits = 0;
    for label in labels.split(separator) {
        for (place, emotion) in EMOTIONS.iter().enumerate() {
            bits |= u16::from(means(emotion, label)) << place;
        }
    }
    bits
}

fn has(row: &Labelled, emotion: usize) -> bool {
    row.label & (1 << emotion) != 0
}

/// Trains, calibrates and packs the head.
pub(super) fn head(texts: &Emotions, pairs: &Arc<KnownPairs>) -> Result<Head, TrainError> {
    let classes = EMOTIONS.len();
    let mut own = credit("own sentences", texts.own);
    own.name = "own sentences (emotions.txt)".to_owned();
    let recipe = Recipe {
        task: "emotion".to_owned(),
        labels: EMOTIONS.map(|(name, _)| name.to_owned()).to_vec(),
        bits: 16,
        pairs: true,
        known_pairs: Some(Arc::clone(pairs)),
        some_rows: false,
        sentences: 0.0,
        fourier: 0,
        cost: 0.1,
        passes: 10,
        balance: 0.0,
        seed: SEED,
        trained_on: vec![
            credit("goemotions", texts.comments),
            credit("banking77", 0),
            credit("clinc150", 0),
            credit("hwu64", 0),
            credit("bitext-support", 0),
            credit("multidogo", 0),
            own,
        ],
    };
    // A rare emotion is given the weight of the root of its rarity: the full one finds it everywhere.
    let positive = (0..classes)
        .map(|class| {
            let rows = texts.train.iter().filter(|row| has(row, class)).count();
            (texts.train.len() as f32 / rows.max(1) as f32).sqrt()
        })
        .collect();
    let (rows, table) = recipe.rows(&texts.train);
    let weights = train_where(
        &rows,
        |row, class| has(&texts.train[row], class),
        &[],
        &Settings {
            columns: table.rows,
            classes,
            cost: recipe.cost,
            positive,
            negative: vec![1.0; classes],
            passes: recipe.passes,
            seed: recipe.seed,
        },
        &|| true,
    );
    calibrated(&recipe, weights, table, &texts.calibration)
}

/// Fits a logistic function and a threshold for each emotion, and packs the head.
///
/// A head has one slope: the slope of an emotion goes into its weights and its bias.
fn calibrated(
    recipe: &Recipe,
    mut weights: Weights,
    table: Table,
    held_out: &[Labelled],
) -> Result<Head, TrainError> {
    let classes = recipe.labels.len();
    let margins = recipe.margins(&recipe.rows(held_out).0, &weights);
    let mut offsets = Vec::with_capacity(classes);
    let mut thresholds = Vec::with_capacity(classes);
    for class in 0..classes {
        let judged: Vec<(f64, bool)> = margins
            .iter()
            .zip(held_out)
            .map(|(margins, row)| (f64::from(margins[class]), has(row, class)))
            .collect();
        let (slope, offset) = logistic(&judged);
        let column = weights.values.iter_mut().skip(class).step_by(classes);
        column.for_each(|weight| *weight *= slope as f32);
        weights.bias[class] *= slope as f32;
        offsets.push(offset as f32);
        thresholds.push(threshold(&judged, slope, offset));
    }
    let mut head = recipe.pack(weights, table, &[])?;
    head.header.slope = 1.0;
    head.header.offsets = offsets;
    head.header.thresholds = thresholds;
    Ok(Head::new(head.header, head.weights)?)
}

/// Slope and offset of the logistic function with the least log loss, by Newton's method.
fn logistic(judged: &[(f64, bool)]) -> (f64, f64) {
    let (mut slope, mut offset) = (1.0f64, -2.0f64);
    for _ in 0..40 {
        // Gradient and second derivatives, with a little pull towards where it started.
        let (mut by_slope, mut by_offset) = (1e-3 * (slope - 1.0), 1e-3 * (offset + 2.0));
        let (mut aa, mut ab, mut bb) = (1e-3, 0.0, 1e-3);
        for (margin, is_so) in judged {
            let probability = 1.0 / (1.0 + (-(slope * margin + offset)).exp());
            let error = probability - f64::from(u8::from(*is_so));
            let curve = probability * (1.0 - probability);
            by_slope += error * margin;
            by_offset += error;
            aa += curve * margin * margin;
            ab += curve * margin;
            bb += curve;
        }
        let determinant = aa * bb - ab * ab;
        if determinant.abs() < 1e-12 {
            break;
        }
        slope -= ((bb * by_slope - ab * by_offset) / determinant).clamp(-1.0, 1.0);
        offset -= ((aa * by_offset - ab * by_slope) / determinant).clamp(-1.0, 1.0);
    }
    (slope, offset)
}

/// The threshold with the best F1.
fn threshold(judged: &[(f64, bool)], slope: f64, offset: f64) -> f32 {
    let mut best = (0.5, -1.0);
    for percent in THRESHOLDS {
        let threshold = percent as f64 / 100.0;
        let (mut both, mut named, mut true_ones) = (0.0f64, 0.0, 0.0);
        for (margin, is_so) in judged {
            let is_named = 1.0 / (1.0 + (-(slope * margin + offset)).exp()) >= threshold;
            named += f64::from(u8::from(is_named));
            true_ones += f64::from(u8::from(*is_so));
            both += f64::from(u8::from(is_named && *is_so));
        }
        let f1 = 2.0 * both / f64::max(named + true_ones, 1.0);
        if f1 > best.1 {
            best = (threshold, f1);
        }
    }
    best.0 as f32
}

/// Figures on the valid split of GoEmotions, which nothing was fitted on.
pub(super) fn measure(set: &ModelSet, texts: &Emotions, report: &mut Report) {
    let mut scorer = Scorer::new(set);
    let said: Vec<u16> = texts
        .valid
        .iter()
        .map(|row| {
            let places = scorer.emotions(&row.text).unwrap_or_default();
            places.into_iter().fold(0, |bits, place| bits | 1 << place)
        })
        .collect();
    let mut figure = |name: String, value: f64, rows: usize| {
        report.figures.push(Figure {
            task: "emotion",
            name,
            value,
            rows,
        });
    };
    let mut f1s = Vec::new();
    let mut figures = Vec::new();
    for (class, (name, _)) in EMOTIONS.iter().enumerate() {
        let (mut both, mut named, mut true_ones) = (0.0f64, 0.0f64, 0usize);
        for (row, said) in texts.valid.iter().zip(&said) {
            let is_named = said & (1 << class) != 0;
            named += f64::from(u8::from(is_named));
            true_ones += usize::from(has(row, class));
            both += f64::from(u8::from(is_named && has(row, class)));
        }
        f1s.push(2.0 * both / f64::max(named + true_ones as f64, 1.0));
        figures.push((
            format!("precision, {name}"),
            both / named.max(1.0),
            named as usize,
        ));
        let recall = both / f64::max(true_ones as f64, 1.0);
        figures.push((format!("recall, {name}"), recall, true_ones));
    }
    let macro_f1 = f1s.iter().sum::<f64>() / f1s.len() as f64;
    figure(
        "macro-F1 over the emotions, valid split".to_owned(),
        macro_f1,
        texts.valid.len(),
    );
    let none = texts
        .valid
        .iter()
        .zip(&said)
        .filter(|(row, _)| row.label == 0);
    let rows = none.clone().count();
    let left = none.filter(|(_, said)| **said == 0).count();
    figure(
        "none of them, left without an emotion".to_owned(),
        left as f64 / rows.max(1) as f64,
        rows,
    );
    for (name, value, rows) in figures {
        figure(name, value, rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_bits() {
        let theirs = |labels| bits(labels, '|', |(_, theirs), label| theirs.contains(&label));
        assert_eq!(theirs("neutral"), 0);
        assert_eq!(theirs("anger|grief"), 0b1001);
        assert_eq!(theirs("joy|love"), 1 << 9);
    }

    #[test]
    fn a_logistic_function_gives_back_the_shares() {
        // At margin −1 one of four is true, at margin 1 three of four.
        let judged: Vec<(f64, bool)> = (0..400)
            .map(|i| {
                if i < 200 {
                    (-1.0, i % 4 == 0)
                } else {
                    (1.0, i % 4 != 0)
                }
            })
            .collect();
        let (slope, offset) = logistic(&judged);
        assert!((slope - 3f64.ln()).abs() < 0.05, "{slope}");
        assert!(offset.abs() < 0.05, "{offset}");
    }

    #[test]
    fn the_sentences_of_our_own_have_known_emotions() {
        let mut state = 1;
        let file = include_str!("emotions.txt");
        for (section, _) in
            expansions("emotions.txt", file, |t, _| t, &mut state).unwrap_or_default()
        {
            let known =
                |label: &str| label == "-" || EMOTIONS.iter().any(|(name, _)| *name == label);
            assert!(section.split(' ').all(known), "[{section}]");
        }
    }
}
