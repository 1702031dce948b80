//! Training of a model of one's own, from texts and labels.

use std::collections::BTreeMap;

use super::TrainError;
use super::data::{Labelled, NONE};
use super::head::{HeldOut, Recipe, Table, balanced, labels_of};
use super::measure::Quality;
use super::solver::{KeepGoing, Rows, shuffle};
use crate::model::{Head, OwnModel, TextEncoder, TrainingSource, UNCLASSIFIED};

/// What a training is told beside the rows.
#[derive(Debug, Clone)]
pub struct OwnOptions {
    /// The model's name: models of two names are two models, also where their rows are the same.
    pub name: String,
    /// The function that the model serves: `intent` or `topic`.
    pub function: String,
    /// Rows with this label stand for "none of the others": the model answers `unclassified`.
    pub unclassified: String,
    /// Seed: the same rows and the same seed give the same model.
    pub seed: u64,
    /// Cost of an error against the size of the weights; more follows the rows more closely.
    pub cost: f32,
    /// What makes the vectors that the model reads beside the words.
    pub encoder: TextEncoder,
}

impl OwnOptions {
    /// What is right for most: seed 1, cost 1, the shipped encoder.
    pub fn new(name: impl Into<String>, function: impl Into<String>) -> OwnOptions {
        OwnOptions {
            name: name.into(),
            function: function.into(),
            unclassified: UNCLASSIFIED.to_owned(),
            seed: 1,
            cost: 1.0,
            encoder: TextEncoder::Shipped,
        }
    }
}

/// A trained model.
#[derive(Debug)]
pub struct Trained {
    /// The weight file.
    pub bytes: Vec<u8>,
    /// The model, ready.
    pub model: OwnModel,
    /// On the rows of each fold, by a model that was trained on the others.
    pub quality: Quality,
    /// Rows that were trained on.
    pub rows: usize,
    /// Rows without a text or a label, and those that are alone with their label.
    pub left_out: usize,
    /// Rows that were too many, left out at random.
    pub thinned: usize,
}

/// Rows that a model is trained on at most: beyond them a linear model gains next to nothing.
const MOST_ROWS: usize = 200_000;
/// Rows times labels at most: a training keeps a number for each.
const MOST_CELLS: usize = 40_000_000;
/// Rows times labels that the calibration reads at most.
const MOST_CALIBRATED: usize = 1_000_000;
/// Rows that a model is trained on at least.
const FEWEST_ROWS: usize = 4;
/// Labels with a single row are left out where they are fewer than one in this many rows.
const SLIPS: usize = 100;
/// Labels of a model at most.
const MOST_LABELS: usize = 1_000;
/// Folds of the held-out figures.
const FOLDS: usize = 5;

/// Trains a model on rows of text and label.
///
/// Rows without a text or a label are left out and counted, and so are labels with a single row
/// where they are fewer than one in a hundred rows. The figures and the calibration are of
/// five folds, each judged by a model that has not seen it; the model itself has seen all rows.
///
/// # Errors
/// [`TrainError::Rows`] for fewer than two labels, a label with one row, more than a thousand
/// labels; [`TrainError::Stopped`] once `keep_going` says no; [`TrainError::Model`] where an encoder of
/// one's own fails.
pub fn train_own(
    rows: Vec<(Option<String>, Option<String>)>,
    options: &OwnOptions,
    keep_going: KeepGoing<'_>,
) -> Result<Trained, TrainError> {
    let given = rows.len();
    let mut rows: Vec<(String, String)> = rows
        .into_iter()
        .filter_map(|(text, label)| Some((text?, label?)))
        .map(|(text, label)| (text, label.trim().to_owned()))
        .filter(|(text, label)| text.chars().any(char::is_alphanumeric) && !label.is_empty())
        .collect();
    let left_out = given - rows.len();
    let labels = labels(&rows, options, left_out)?;
    rows.retain(|(_, label)| labels.binary_search(label).is_ok() || *label == options.unclassified);
    let left_out = given - rows.len();
    let usable = rows.len();
    let most = MOST_ROWS.min(MOST_CELLS / (labels.len() + 1));
    if usable > most {
        shuffle(&mut rows, &mut options.seed.clone());
        rows.truncate(most);
    }
    let examples: Vec<Labelled> = rows
        .into_iter()
        .filter_map(|(text, label)| {
            let label = labels.binary_search(&label).map_or_else(
                |_| (label == options.unclassified).then_some(0),
                |at| Some(at as u16 + 1),
            )?;
            Some(Labelled { text, label })
        })
        .collect();
    let rows_a_label = examples.len() as f32 / labels.len() as f32;
    let fourier = match rows_a_label >= MANY_ROWS && !options.encoder.sentences().logits {
        true => fourier_features(examples.len(), labels.len() + 1),
        false => 0,
    };
    let (sentences, cost) = match fourier {
        0 => balance_of_views(rows_a_label),
        _ => FOURIER_VIEW,
    };
    let recipe = Recipe {
        task: options.function.clone(),
        labels: std::iter::once(NONE.to_owned()).chain(labels).collect(),
        bits: 18,
        pairs: true,
        known_pairs: None,
        some_rows: true,
        sentences,
        fourier,
        cost: options.cost * cost,
        passes: 12,
        balance: 0.5,
        seed: options.seed,
        trained_on: vec![TrainingSource {
            name: format!("rows of {}", options.name),
            licence: "the user's own".to_owned(),
            credit: String::new(),
            rows: examples.len(),
        }],
    };
    let (head, quality) = train(&recipe, &options.encoder, &examples, keep_going)?;
    if !keep_going() {
        return Err(TrainError::Stopped);
    }
    Ok(Trained {
        bytes: head.encode()?,
        model: OwnModel::of(head, options.encoder.clone()),
        quality,
        rows: examples.len(),
        left_out,
        thinned: usable.saturating_sub(most),
    })
}

/// The weight of the encoder's vector beside the words, and a factor of the cost.
///
/// Chosen on validation splits: with hundreds of rows a label, words tell close labels apart and
/// the vector counts as much as they do; with ten, words are mostly chance. On banking77 four times
/// the weight gives two points more at ten rows a label and one point less at a hundred.
fn balance_of_views(rows_a_label: f32) -> (f32, f32) {
    let sentences = (FEW_ROWS * 4.0 / rows_a_label).clamp(1.0, 4.0);
    let cost = if rows_a_label < FEW_ROWS * 2.0 {
        0.5
    } else {
        1.0
    };
    (sentences, cost)
}

/// Random Fourier features in the vector's place: as many as a training has time and room for, 0 where
/// they are too few to stand for the vector.
fn fourier_features(rows: usize, classes: usize) -> usize {
    let in_time = MOST_PRODUCTS / (rows * classes).max(1);
    let in_room = MOST_FEATURES_OF_ROWS / rows.max(1);
    let features = in_time.min(in_room).min(MOST_FOURIER);
    match features >= FEWEST_FOURIER {
        true => features,
        false => 0,
    }
}

/// Weight of the features beside the words, and a factor of the cost, chosen on validation splits.
const FOURIER_VIEW: (f32, f32) = (1.2, 0.8);
/// Rows a label from which the features are worth their time.
const MANY_ROWS: f32 = 40.0;
/// Features at most: on banking77 half as many are half a point worse, twice as many no better.
const MOST_FOURIER: usize = 2048;
/// Features at least: fewer lose against the vector itself.
const FEWEST_FOURIER: usize = 1024;
/// Rows times labels times features at most: a pass of the training multiplies so often.
const MOST_PRODUCTS: usize = 2_500_000_000;
/// Rows times features at most: a training keeps eight bytes for each, twice for its folds.
const MOST_FEATURES_OF_ROWS: usize = 64_000_000;

/// Rows a label that are few.
const FEW_ROWS: f32 = 10.0;

/// The labels in order, without the one that stands for "none of the others".
fn labels(
    rows: &[(String, String)],
    options: &OwnOptions,
    left_out: usize,
) -> Result<Vec<String>, TrainError> {
    let refuse = |reason: String, mend: &str| {
        Err(TrainError::Rows {
            reason,
            mend: mend.to_owned(),
        })
    };
    if rows.len() < FEWEST_ROWS {
        let without = match left_out {
            0 => String::new(),
            count => format!(" ({count} more have no text or no label)"),
        };
        return refuse(
            format!(
                "{} labelled rows are too few to learn from{without}",
                rows.len()
            ),
            "Ten rows a label are a beginning, thirty are better.",
        );
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, label) in rows {
        *counts.entry(label).or_default() += 1;
    }
    counts.remove(options.unclassified.as_str());
    if counts.is_empty() || (counts.len() == 1 && counts.len() == labels_in(rows)) {
        return refuse(
            "the rows have one label only: there is nothing to tell apart".to_owned(),
            "Give rows of at least two labels, or of one label and of 'unclassified'.",
        );
    }
    if counts.len() > MOST_LABELS {
        return refuse(
            format!(
                "{} labels are too many, {MOST_LABELS} are possible",
                counts.len()
            ),
            "Is the second column the label?",
        );
    }
    let single: Vec<&str> = counts
        .iter()
        .filter(|(_, count)| **count == 1)
        .map(|(label, _)| *label)
        .collect();
    // One in a hundred is a slip of the pen in a large set; more of them are a mistake of the query.
    if let Some(first) = single.first()
        && single.len() * SLIPS > rows.len()
    {
        return refuse(
            format!(
                "{} of {} labels have one row only, such as \"{first}\"",
                single.len(),
                counts.len()
            ),
            "Give each label at least two rows, or leave such labels out of the query.",
        );
    }
    let labels = counts.into_iter().filter(|(_, count)| *count > 1);
    Ok(labels.map(|(label, _)| label.to_owned()).collect())
}

fn labels_in(rows: &[(String, String)]) -> usize {
    let labels: std::collections::BTreeSet<&str> =
        rows.iter().map(|(_, label)| label.as_str()).collect();
    labels.len()
}

fn train(
    recipe: &Recipe,
    encoder: &TextEncoder,
    examples: &[Labelled],
    keep_going: KeepGoing<'_>,
) -> Result<(Head, Quality), TrainError> {
    let classes = recipe.labels.len();
    let (rows, table) = recipe.rows_with_vectors(examples, encoder, keep_going)?;
    let labels = labels_of(examples);
    let folds = folds(&labels, classes, recipe.seed);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut jobs: Vec<Option<usize>> = (0..FOLDS).map(Some).collect();
    // The model itself is the longest job.
    jobs.insert(0, None);
    let mut margins: Vec<Vec<f32>> = vec![Vec::new(); examples.len()];
    let training = Training {
        rows: &rows,
        table: &table,
        labels: &labels,
        folds: &folds,
    };
    let mut weights = None;
    for batch in jobs.chunks(threads) {
        let done: Vec<_> = std::thread::scope(|scope| {
            let running: Vec<_> = batch
                .iter()
                .map(|fold| scope.spawn(|| job(recipe, &training, *fold, keep_going)))
                .collect();
            running
                .into_iter()
                .map(std::thread::ScopedJoinHandle::join)
                .collect()
        });
        for done in done {
            match done.map_err(|_| TrainError::Recipe("a training thread failed".to_owned()))? {
                Job::Whole(all) => weights = Some(all),
                Job::Fold(held_out) => {
                    for (row, values) in held_out {
                        margins[row] = values;
                    }
                }
            }
        }
        if !keep_going() {
            return Err(TrainError::Stopped);
        }
    }
    let importance = balanced(&labels, classes, recipe.balance);
    let held_out: Vec<HeldOut> = margins
        .into_iter()
        .zip(labels.iter().zip(&importance))
        .map(|(margins, (label, importance))| (margins, *label, *importance))
        .collect();
    let weights = weights.ok_or(TrainError::Stopped)?;
    // Rows are in the order of the query, folds are not: every nth is a fair sample.
    let step = (held_out.len() * classes).div_ceil(MOST_CALIBRATED).max(1);
    let sample: Vec<HeldOut> = held_out.iter().step_by(step).cloned().collect();
    let head = recipe.pack(weights, table, &sample)?;
    let quality = quality(&head, &held_out);
    Ok((head, quality))
}

/// The fold of each row: every label is spread over all folds.
fn folds(labels: &[u16], classes: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    shuffle(&mut order, &mut seed.clone());
    // Labels begin at different folds, so that rare ones do not all lie in the first.
    let mut next: Vec<usize> = (0..classes).collect();
    let mut folds = vec![0; labels.len()];
    for row in order {
        let next = &mut next[usize::from(labels[row])];
        folds[row] = *next % FOLDS;
        *next += 1;
    }
    folds
}

enum Job {
    Whole(super::solver::Weights),
    Fold(Vec<(usize, Vec<f32>)>),
}

/// What all jobs of a training read.
struct Training<'a> {
    rows: &'a Rows,
    table: &'a Table,
    labels: &'a [u16],
    folds: &'a [usize],
}

fn job(
    recipe: &Recipe,
    training: &Training<'_>,
    fold: Option<usize>,
    keep_going: KeepGoing<'_>,
) -> Job {
    let Training {
        rows,
        table,
        labels,
        folds,
    } = training;
    let Some(fold) = fold else {
        return Job::Whole(recipe.fit(rows, table, labels, keep_going));
    };
    let (held, kept): (Vec<usize>, Vec<usize>) =
        (0..labels.len()).partition(|row| folds[*row] == fold);
    let kept_labels: Vec<u16> = kept.iter().map(|row| labels[*row]).collect();
    let weights = recipe.fit(&rows.some(&kept), table, &kept_labels, keep_going);
    let margins = recipe.margins(&rows.some(&held), &weights);
    Job::Fold(held.into_iter().zip(margins).collect())
}

/// The figures of the held-out rows as the packed head would answer them.
fn quality(head: &Head, held_out: &[HeldOut]) -> Quality {
    let header = &head.header;
    let calibration = super::calibrate::Calibration {
        slope: header.slope,
        offsets: header.offsets.clone(),
    };
    let name = |class: usize| match class {
        0 => UNCLASSIFIED,
        class => header.labels[class].as_str(),
    };
    let judged: Vec<_> = held_out
        .iter()
        .map(|(margins, label, _)| {
            let probabilities = calibration.probabilities(margins);
            let best = (1..probabilities.len())
                .max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]))
                .unwrap_or(0);
            let probability = probabilities[best];
            let said = match probability >= f64::from(header.threshold) {
                true => best,
                false => 0,
            };
            (name(usize::from(*label)), name(said), Some(probability))
        })
        .collect();
    Quality::of(&judged)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    fn rows(texts: &[(&str, &str)]) -> Vec<(Option<String>, Option<String>)> {
        let row = |(text, label): &(&str, &str)| Some(((*text).to_owned(), (*label).to_owned()));
        let rows = texts.iter().filter_map(row);
        rows.map(|(text, label)| (Some(text), Some(label)))
            .collect()
    }

    fn refused(texts: &[(&str, &str)]) -> String {
        match train_own(rows(texts), &OwnOptions::new("test", "intent"), &|| true) {
            Err(TrainError::Rows { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    const FRUIT: [(&str, &str); 8] = [
        ("a ripe apple", "fruit"),
        ("two ripe pears", "fruit"),
        ("the apple is ripe", "fruit"),
        ("ripe bananas", "fruit"),
        ("a fast car", "machine"),
        ("fast trains", "machine"),
        ("the car is fast", "machine"),
        ("a fast plane", "machine"),
    ];

    #[test]
    fn what_nothing_can_be_learnt_from_is_told() {
        assert!(refused(&FRUIT[..3]).starts_with("3 labelled rows are too few"));
        assert!(refused(&[("", "a"), ("!", "b"), ("x", "")]).contains("3 more have no text"));
        assert!(refused(&[("a b", "x"); 9]).contains("one label only"));
        let single = [&FRUIT[..], &[("a blue sky", "weather")]].concat();
        assert!(refused(&single).contains("1 of 3 labels have one row only, such as \"weather\""));
    }

    #[test]
    fn a_label_that_is_a_slip_is_left_out() {
        let mut texts: Vec<(&str, &str)> = FRUIT.iter().cycle().take(120).copied().collect();
        texts.push(("a ripe apple", "friut"));
        let trained = train_own(rows(&texts), &OwnOptions::new("test", "intent"), &|| true);
        let trained = trained.unwrap();
        assert_eq!(trained.model.labels(), ["fruit", "machine"]);
        assert_eq!((trained.rows, trained.left_out), (120, 1));
    }

    #[test]
    fn a_model_is_learnt_and_the_same_rows_give_the_same_one() {
        let trained = |seed| {
            let mut options = OwnOptions::new("test", "intent");
            options.seed = seed;
            train_own(rows(&FRUIT), &options, &|| true).unwrap()
        };
        let first = trained(1);
        assert_eq!(first.bytes, trained(1).bytes);
        assert_ne!(first.bytes, trained(2).bytes);
        let model = OwnModel::parse(&first.bytes).unwrap();
        assert_eq!(model.id(), first.model.id());
        assert_eq!(model.labels(), ["fruit", "machine"]);
        let detail = model.detail("this fast bus").unwrap().unwrap();
        assert_eq!(detail.alternatives[0].0, "machine");
        assert_eq!(first.quality.rows, 8);
    }

    #[test]
    fn many_rows_a_label_are_told_apart_by_features_of_the_vector() {
        let trained = |times: usize| {
            let texts: Vec<(&str, &str)> = FRUIT.iter().cycle().take(times * 8).copied().collect();
            train_own(rows(&texts), &OwnOptions::new("test", "intent"), &|| true).unwrap()
        };
        let features =
            |trained: &Trained| trained.model.header().sentences.as_ref().unwrap().fourier;
        // Four rows a label in FRUIT: 36 and 40.
        assert_eq!(features(&trained(9)), 0);
        let many = trained(10);
        assert_eq!(features(&many), MOST_FOURIER);
        let read = OwnModel::parse(&many.bytes).unwrap();
        for (text, label) in FRUIT {
            let detail = read.detail(text).unwrap().unwrap();
            assert_eq!(detail.alternatives[0].0, label);
            assert_eq!(Some(detail), many.model.detail(text).unwrap());
        }
        // A file that says another number of features is refused.
        let mut head = Head::decode(&many.bytes).unwrap();
        head.header.sentences.as_mut().unwrap().fourier = MOST_FOURIER / 2;
        assert!(OwnModel::parse(&head.encode().unwrap()).is_err());
    }

    #[test]
    fn a_training_stops_when_told() {
        let stopped = train_own(rows(&FRUIT), &OwnOptions::new("test", "intent"), &|| false);
        assert!(matches!(stopped, Err(TrainError::Stopped)));
    }
}
