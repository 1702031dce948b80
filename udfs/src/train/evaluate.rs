//! Measuring the shipped functions on labelled files.

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};

use super::measure::{Judged, Quality};
use super::solver::shuffle;
use super::{ModelError, TrainError};
use crate::model::{ModelSet, ScoreColumn, UNCLASSIFIED};

/// A function that can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// `sentiment_label`, or `sentiment` against numbers.
    Sentiment,
    /// `intent`.
    Intent,
    /// `topic`.
    Topic,
    /// `detect_language`.
    DetectLanguage,
    /// `effort_score`, against numbers.
    EffortScore,
    /// `churn_risk`, against numbers.
    ChurnRisk,
}

/// How well numbers agree with numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// Rows with both.
    pub rows: usize,
    /// Rows that the function gives NULL for.
    pub without_score: usize,
    /// Pearson's correlation, -1..1.
    pub pearson: f64,
    /// Spearman's rank correlation, ties by their mean rank, -1..1.
    pub spearman: f64,
    /// Where the file has two values only: the chance that a row of the higher one scores above a
    /// row of the lower one, a tie counting half.
    pub auc: Option<f64>,
}

impl Task {
    /// The task of a function's name.
    pub fn named(name: &str) -> Option<Task> {
        Some(match name {
            "sentiment" | "sentiment_label" => Task::Sentiment,
            "intent" => Task::Intent,
            "topic" => Task::Topic,
            "detect_language" => Task::DetectLanguage,
            "effort_score" => Task::EffortScore,
            "churn_risk" => Task::ChurnRisk,
            _ => return None,
        })
    }

    /// The answers of the shipped models against labels; NULL counts as `unclassified`.
    ///
    /// # Errors
    /// Those of the scorers.
    pub fn labels(self, rows: &[(String, String)]) -> Result<Quality, ModelError> {
        let (column, score) = match self {
            Task::Sentiment => (ScoreColumn::SentimentLabel, None),
            Task::Intent => (ScoreColumn::Intent, Some(ScoreColumn::IntentScore)),
            Task::Topic => (ScoreColumn::TopicId, None),
            Task::DetectLanguage => (ScoreColumn::DetectedLanguage, None),
            Task::EffortScore => (ScoreColumn::EffortScore, None),
            Task::ChurnRisk => (ScoreColumn::ChurnRisk, None),
        };
        let columns: Vec<ScoreColumn> = [column].into_iter().chain(score).collect();
        let set = ModelSet::shipped();
        let scored = set.score(texts(rows).as_ref(), &columns)?;
        let said = as_text(&scored[0])?;
        let said = said.as_string::<i32>();
        let label = |row: usize| match said.is_valid(row) {
            false => UNCLASSIFIED,
            true if column == ScoreColumn::TopicId => set.topic_label(said.value(row).parse().ok()),
            true => said.value(row),
        };
        let probability = |row: usize| {
            let scores = scored.get(1)?.as_primitive::<Float64Type>();
            scores.is_valid(row).then(|| scores.value(row))
        };
        let judged: Vec<Judged<'_>> = rows
            .iter()
            .enumerate()
            .map(|(row, (_, truth))| (truth.as_str(), label(row), probability(row)))
            .collect();
        Ok(Quality::of(&judged))
    }

    /// The scores of the shipped models against numbers; `None` for a function without a score.
    ///
    /// # Errors
    /// Those of the scorers.
    pub fn numbers(self, rows: &[(String, f64)]) -> Result<Option<Agreement>, ModelError> {
        let column = match self {
            Task::Sentiment => ScoreColumn::Sentiment,
            Task::EffortScore => ScoreColumn::EffortScore,
            Task::ChurnRisk => ScoreColumn::ChurnRisk,
            Task::Intent | Task::Topic | Task::DetectLanguage => return Ok(None),
        };
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|r| &r.0)));
        let scored = ModelSet::shipped().score(texts.as_ref(), &[column])?;
        let scores = scored[0].as_primitive::<Float64Type>();
        let pairs: Vec<(f64, f64)> = scores
            .iter()
            .zip(rows)
            .filter_map(|(score, (_, truth))| Some((score?, *truth)))
            .collect();
        Ok(Some(agreement(&pairs, rows.len() - pairs.len())))
    }
}

fn texts(rows: &[(String, String)]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.0)))
}

fn as_text(array: &ArrayRef) -> Result<ArrayRef, ModelError> {
    cast(array, &DataType::Utf8).map_err(|error| ModelError::Arrow(error.to_string()))
}

fn agreement(pairs: &[(f64, f64)], without_score: usize) -> Agreement {
    let (scores, truths): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (score_ranks, truth_ranks) = (ranks(&scores), ranks(&truths));
    let mut values = truths.clone();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let auc = (values.len() == 2).then(|| {
        let is_higher = |truth: &f64| *truth == values[1];
        let higher = truths.iter().filter(|truth| is_higher(truth)).count() as f64;
        let lower = truths.len() as f64 - higher;
        let sum: f64 = score_ranks
            .iter()
            .zip(&truths)
            .filter(|(_, truth)| is_higher(truth))
            .map(|(rank, _)| rank)
            .sum();
        (sum - higher * (higher + 1.0) / 2.0) / (higher * lower)
    });
    Agreement {
        rows: pairs.len(),
        without_score,
        pearson: correlation(&scores, &truths),
        spearman: correlation(&score_ranks, &truth_ranks),
        auc,
    }
}

/// Pearson's correlation; 0 where one side does not vary.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let count = a.len().max(1) as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut both, mut own_a, mut own_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        both += (a - mean_a) * (b - mean_b);
        own_a += (a - mean_a).powi(2);
        own_b += (b - mean_b).powi(2);
    }
    match own_a * own_b {
        0.0 => 0.0,
        spread => both / spread.sqrt(),
    }
}

/// Ranks from 1; equal values share the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for tied in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = start as f64 + (tied.len() as f64 + 1.0) / 2.0;
        tied.iter().for_each(|row| ranks[*row] = rank);
        start += tied.len();
    }
    ranks
}

/// The rows of a CSV file with a header: text and label.
///
/// # Errors
/// [`TrainError::Data`] for a file that cannot be read, or without these columns.
pub fn labelled_file(
    path: &Path,
    text: &str,
    label: &str,
) -> Result<Vec<(String, String)>, TrainError> {
    let fail = |reason: String| TrainError::Data {
        path: path.to_path_buf(),
        reason,
    };
    let mut reader = csv::Reader::from_path(path).map_err(|error| fail(error.to_string()))?;
    let header = reader.headers().map_err(|error| fail(error.to_string()))?;
    let column = |name: &str| {
        let place = header.iter().position(|found| found == name);
        place.ok_or_else(|| {
            let there: Vec<&str> = header.iter().collect();
            fail(format!("no column {name}; there are {}", there.join(", ")))
        })
    };
    let (text, label) = (column(text)?, column(label)?);
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| fail(error.to_string()))?;
        let field = |at: usize| record.get(at).unwrap_or_default().to_owned();
        rows.push((field(text), field(label)));
    }
    Ok(rows)
}

/// So many rows of each label, drawn with a seed; all of them where there are not more.
pub fn sample(rows: &[(String, String)], per_label: usize, seed: u64) -> Vec<(String, String)> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    shuffle(&mut order, &mut seed.clone());
    let mut taken: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    order
        .into_iter()
        .map(|row| &rows[row])
        .filter(|(_, label)| {
            let count = taken.entry(label).or_default();
            *count += 1;
            *count <= per_label
        })
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_is_that_worked_out_by_hand() {
        let found = agreement(&[(0.1, 0.0), (0.4, 0.0), (0.4, 1.0), (0.9, 1.0)], 2);
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        // Of four pairs three are in order and one is tied.
        near(found.auc.unwrap_or(0.0), 3.5 / 4.0);
        // Ranks 1, 2.5, 2.5, 4 against 1.5, 1.5, 3.5, 3.5: 3 / sqrt(4.5 * 4).
        near(found.spearman, 3.0 / (4.5f64 * 4.0).sqrt());
        // 0.4 / sqrt(0.33 * 1).
        near(found.pearson, 0.4 / 0.33f64.sqrt());
        assert_eq!((found.rows, found.without_score), (4, 2));
    }

    #[test]
    fn a_sample_has_so_many_of_each() {
        let rows: Vec<(String, String)> = (0..30)
            .map(|n| (n.to_string(), (n % 3).to_string()))
            .collect();
        let drawn = sample(&rows, 4, 1);
        assert_eq!(drawn.len(), 12);
        assert_eq!(drawn, sample(&rows, 4, 1));
        assert_ne!(drawn, sample(&rows, 4, 2));
    }
}
