//! How good the answers of a model are: accuracy, F1, calibration, what is taken for what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::TrainError;
use super::solver::KeepGoing;
use crate::model::{OwnModel, UNCLASSIFIED};

/// Figures of one label; all are 0..1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelFigures {
    /// The label.
    pub label: String,
    /// Rows that have it.
    pub rows: usize,
    /// Share of the rows that were given the label that have it; 0 where none was given it.
    pub precision: f64,
    /// Share of the rows that have the label that were given it.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
}

/// Figures over rows with known labels; all shares are 0..1, and 0 where there are no rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Rows.
    pub rows: usize,
    /// Share of right answers, 0..1.
    pub accuracy: f64,
    /// Half the width of the 95 % interval of the accuracy (Wilson 1927).
    pub accuracy_margin: f64,
    /// Mean F1 over the labels that occur.
    pub macro_f1: f64,
    /// Mean recall over the labels that occur.
    pub macro_recall: f64,
    /// F1 averaged with the rows of each label as weights.
    pub weighted_f1: f64,
    /// Expected calibration error over ten bands of the probability (Naeini et al. 2015); `None`
    /// where the answers have no probabilities.
    pub calibration_error: Option<f64>,
    /// Each label that occurs, most rows first.
    pub labels: Vec<LabelFigures>,
    /// Truth, answer, rows: the wrong pairs, most rows first.
    pub confusions: Vec<(String, String, usize)>,
}

/// One row: its label, the answer, the probability of the best label where there is one.
pub type Judged<'a> = (&'a str, &'a str, Option<f64>);

/// Confusions that are kept.
const CONFUSIONS: usize = 50;
/// Bands of the calibration error.
const BANDS: usize = 10;

/// Measures a model on labelled texts; a text without letters counts as `unclassified`.
///
/// # Errors
/// [`TrainError::Stopped`] once `keep_going` says no, [`TrainError::Model`] where an encoder of one's
/// own fails.
pub fn measure(
    model: &OwnModel,
    rows: &[(String, String)],
    keep_going: KeepGoing<'_>,
) -> Result<Quality, TrainError> {
    let mut judged: Vec<Judged<'_>> = Vec::with_capacity(rows.len());
    for (text, label) in rows {
        if !keep_going() {
            return Err(TrainError::Stopped);
        }
        judged.push(match model.answer(text)? {
            Some(answer) => (label.as_str(), model.label(&answer), Some(answer.score)),
            None => (label.as_str(), UNCLASSIFIED, Some(0.0)),
        });
    }
    Ok(Quality::of(&judged))
}

impl Quality {
    /// The figures of judged rows.
    pub fn of(judged: &[Judged<'_>]) -> Quality {
        // Label: rows that have it, rows that were given it, rows of both.
        let mut counts: BTreeMap<&str, [f64; 3]> = BTreeMap::new();
        let mut confusions: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut bands = [[0.0f64; 3]; BANDS];
        let mut right = 0.0;
        for (truth, said, probability) in judged {
            counts.entry(truth).or_default()[0] += 1.0;
            counts.entry(said).or_default()[1] += 1.0;
            let hit = truth == said;
            if hit {
                right += 1.0;
                counts.entry(truth).or_default()[2] += 1.0;
            } else {
                *confusions.entry((truth, said)).or_default() += 1;
            }
            // The probability is that of the best label; no claim is made where it was kept back.
            if *said != UNCLASSIFIED
                && let Some(probability) = probability
            {
                let band = ((probability * BANDS as f64) as usize).min(BANDS - 1);
                bands[band][0] += 1.0;
                bands[band][1] += probability;
                bands[band][2] += f64::from(u8::from(hit));
            }
        }
        let mut labels: Vec<LabelFigures> = counts
            .iter()
            .filter(|(_, [rows, _, _])| *rows > 0.0)
            .map(|(label, [rows, given, both])| LabelFigures {
                label: (*label).to_owned(),
                rows: *rows as usize,
                precision: both / given.max(1.0),
                recall: both / rows,
                f1: 2.0 * both / (rows + given),
            })
            .collect();
        labels.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.label.cmp(&b.label)));
        let mut confusions: Vec<(String, String, usize)> = confusions
            .into_iter()
            .map(|((truth, said), rows)| (truth.to_owned(), said.to_owned(), rows))
            .collect();
        confusions.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.cmp(b)));
        confusions.truncate(CONFUSIONS);
        let rows = judged.len() as f64;
        let claimed: f64 = bands.iter().map(|band| band[0]).sum();
        let mean = |of: fn(&LabelFigures) -> f64| {
            labels.iter().map(of).sum::<f64>() / labels.len().max(1) as f64
        };
        Quality {
            rows: judged.len(),
            accuracy: right / rows.max(1.0),
            accuracy_margin: wilson_margin(right, rows),
            macro_f1: mean(|label| label.f1),
            macro_recall: mean(|label| label.recall),
            weighted_f1: labels
                .iter()
                .map(|label| label.f1 * label.rows as f64)
                .sum::<f64>()
                / rows.max(1.0),
            calibration_error: (claimed > 0.0).then(|| {
                let gaps = bands.iter().map(|[_, claim, hits]| (claim - hits).abs());
                gaps.sum::<f64>() / claimed
            }),
            labels,
            confusions,
        }
    }
}

/// Half the width of Wilson's 95 % interval for `right` of `rows`.
fn wilson_margin(right: f64, rows: f64) -> f64 {
    const Z: f64 = 1.959_963_985;
    if rows == 0.0 {
        return 1.0;
    }
    let share = right / rows;
    let spread = share * (1.0 - share) / rows + Z * Z / (4.0 * rows * rows);
    Z * spread.sqrt() / (1.0 + Z * Z / rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_worked_out_by_hand() {
        // 4 rows of a: 3 right, 1 taken for b. 2 rows of b: 1 right, 1 kept back.
        let judged = [
            ("a", "a", Some(0.9)),
            ("a", "a", Some(0.9)),
            ("a", "a", Some(0.7)),
            ("a", "b", Some(0.6)),
            ("b", "b", Some(0.8)),
            ("b", UNCLASSIFIED, Some(0.1)),
        ];
        let quality = Quality::of(&judged);
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        near(quality.accuracy, 4.0 / 6.0);
        // a: precision 1, recall 3/4; b: precision 1/2, recall 1/2.
        near(quality.labels[0].f1, 6.0 / 7.0);
        near(quality.labels[1].f1, 0.5);
        near(quality.macro_f1, (6.0 / 7.0 + 0.5) / 2.0);
        near(quality.macro_recall, (0.75 + 0.5) / 2.0);
        near(quality.weighted_f1, (6.0 / 7.0 * 4.0 + 0.5 * 2.0) / 6.0);
        // |1.8 - 2| + |0.7 - 1| + |0.6 - 0| + |0.8 - 1| over the five that claim something.
        near(
            quality.calibration_error.unwrap_or(0.0),
            (0.2 + 0.3 + 0.6 + 0.2) / 5.0,
        );
        assert_eq!(quality.confusions.len(), 2);
    }
}
