//! `verbatim evaluate`: how good a function or a training is on labelled rows.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use verbatim_udfs::train::{
    OwnOptions, Quality, SEED, Task, TrainError, hold_out, labelled_file, measure, sample,
    train_own,
};

use super::Failure;
use crate::error::{Error, sqlstate};

/// Measure a function on a CSV file of texts with labels or numbers
///
/// With --train, a model is trained on that file as CREATE MODEL does it, and measured on --data.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  verbatim evaluate --task sentiment --data tweets.csv
  verbatim evaluate --task effort_score --data rated.csv --label rating
  verbatim evaluate --task intent --train train.csv --data valid.csv --unclassified oos
  verbatim evaluate --task intent --train train.csv --data valid.csv --per-label 10
  verbatim evaluate --task intent --train all.csv --hold-out

Functions: sentiment, intent, topic, detect_language, effort_score, churn_risk. Labels that are all
numbers are compared with the function's score: correlation, and AUC where there are two values.")]
pub(super) struct Evaluate {
    /// The function
    #[arg(long, value_name = "FUNCTION")]
    task: String,
    /// Labelled rows to measure on: a CSV file with a header
    #[arg(long, value_name = "FILE", required_unless_present = "hold_out")]
    data: Option<PathBuf>,
    /// Labelled rows to train on first
    #[arg(long, value_name = "FILE")]
    train: Option<PathBuf>,
    /// Measure on a tenth of --train instead, the same at every call, which is not trained on
    #[arg(long, requires = "train", conflicts_with = "data")]
    hold_out: bool,
    /// Train on so many rows of each label, drawn with the seed
    #[arg(long, value_name = "COUNT", requires = "train")]
    per_label: Option<usize>,
    /// The label of rows that no label fits
    #[arg(long, value_name = "LABEL", requires = "train")]
    unclassified: Option<String>,
    /// Seed of the training
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Cost of an error in training
    #[arg(long, value_name = "NUMBER", requires = "train")]
    cost: Option<f32>,
    /// The column of the texts
    #[arg(long, value_name = "NAME", default_value = "text")]
    text: String,
    /// The column of the labels or numbers
    #[arg(long, value_name = "NAME", default_value = "label")]
    label: String,
    /// Lines of the worst confusions
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    confusions: usize,
}

impl Evaluate {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut report = String::new();
        self.evaluate(&mut report).map_err(|error| match error {
            TrainError::Rows { reason, mend } => {
                Error::statement(sqlstate::INVALID_PARAMETER_VALUE, reason).with_hint(mend)
            }
            other => Error::statement(sqlstate::INVALID_PARAMETER_VALUE, other.to_string()),
        })?;
        // At once, so that a reader who has seen enough breaks nothing off.
        let written = std::io::stdout().write_all(report.as_bytes());
        Ok(written.map_err(|source| Error::Io {
            context: "writing the figures".to_owned(),
            source,
        })?)
    }

    fn evaluate(&self, to: &mut String) -> Result<(), TrainError> {
        if let Some(train) = &self.train {
            return self.trained(train, to);
        }
        let rows = self.measured()?;
        let task = Task::named(&self.task).ok_or_else(|| TrainError::Rows {
            reason: format!("{} cannot be measured", self.task),
            mend: "verbatim evaluate --help lists the functions.".to_owned(),
        })?;
        let numbers: Option<Vec<(String, f64)>> = rows
            .iter()
            .map(|(text, number)| Some((text.clone(), number.trim().parse().ok()?)))
            .collect();
        let started = Instant::now();
        if let Some(numbers) = numbers
            && let Some(found) = task.numbers(&numbers)?
        {
            let _ = writeln!(to, "rows                {:>8}", found.rows);
            let _ = writeln!(to, "rows without score  {:>8}", found.without_score);
            let _ = writeln!(to, "pearson             {:>8.4}", found.pearson);
            let _ = writeln!(to, "spearman            {:>8.4}", found.spearman);
            if let Some(auc) = found.auc {
                let _ = writeln!(to, "AUC                 {auc:>8.4}");
            }
        } else {
            self.print(&task.labels(&rows)?, to);
        }
        let _ = writeln!(
            to,
            "seconds             {:>8.2}",
            started.elapsed().as_secs_f64()
        );
        Ok(())
    }

    /// The rows of --data.
    fn measured(&self) -> Result<Vec<(String, String)>, TrainError> {
        match &self.data {
            Some(path) => labelled_file(path, &self.text, &self.label),
            None => Ok(Vec::new()),
        }
    }

    /// Trains first; labels that the model does not know count as they stand.
    fn trained(&self, train: &Path, to: &mut String) -> Result<(), TrainError> {
        let mut train = labelled_file(train, &self.text, &self.label)?;
        let mut rows = self.measured()?;
        if self.hold_out {
            (train, rows) = hold_out(train, &mut SEED.clone());
        }
        if let Some(per_label) = self.per_label {
            train = sample(&train, per_label, self.seed);
        }
        let mut options = OwnOptions::new("evaluate", self.task.as_str());
        options.seed = self.seed;
        options.cost = self.cost.unwrap_or(options.cost);
        if let Some(label) = &self.unclassified {
            options.unclassified.clone_from(label);
        }
        let started = Instant::now();
        let train = train
            .into_iter()
            .map(|(text, label)| (Some(text), Some(label)));
        let trained = train_own(train.collect(), &options, &|| true)?;
        let _ = writeln!(to, "rows trained on     {:>8}", trained.rows);
        let _ = writeln!(
            to,
            "seconds of training {:>8.2}",
            started.elapsed().as_secs_f64()
        );
        let _ = writeln!(to, "accuracy in folds   {:>8.4}", trained.quality.accuracy);
        let _ = writeln!(
            to,
            "threshold           {:>8.2}",
            trained.model.header().threshold
        );
        for (_, label) in &mut rows {
            if *label == options.unclassified {
                "unclassified".clone_into(label);
            }
        }
        let known: Vec<(String, String)> = rows
            .iter()
            .filter(|(_, label)| label != "unclassified")
            .cloned()
            .collect();
        self.print(&measure(&trained.model, &rows, &|| true)?, to);
        if known.len() < rows.len() {
            let known = measure(&trained.model, &known, &|| true)?;
            let _ = writeln!(to, "in-scope accuracy   {:>8.4}", known.accuracy);
        }
        Ok(())
    }

    fn print(&self, quality: &Quality, to: &mut String) {
        let _ = writeln!(to, "rows                {:>8}", quality.rows);
        let _ = writeln!(
            to,
            "accuracy            {:>8.4} ± {:.4}",
            quality.accuracy, quality.accuracy_margin
        );
        let _ = writeln!(to, "macro-F1            {:>8.4}", quality.macro_f1);
        let _ = writeln!(to, "weighted F1         {:>8.4}", quality.weighted_f1);
        let _ = writeln!(to, "macro-recall        {:>8.4}", quality.macro_recall);
        if let Some(error) = quality.calibration_error {
            let _ = writeln!(to, "calibration error   {error:>8.4}");
        }
        if let Some(none) = quality.labels.iter().find(|l| l.label == "unclassified") {
            let _ = writeln!(to, "out-of-scope recall {:>8.4}", none.recall);
        }
        for (truth, said, rows) in quality.confusions.iter().take(self.confusions) {
            let _ = writeln!(to, "  {rows:>4}  {truth} taken for {said}");
        }
    }
}
