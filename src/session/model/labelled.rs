//! The rows that a model is trained or measured on.

use std::collections::{HashMap, HashSet};

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use futures::TryStreamExt;

use crate::error::{Error, sqlstate};
use crate::session::{Prepared, Session};
use crate::statement::{CreateModel, strip_suffix};

/// Rows that a query may give: they are held in memory, and a training reads a part of them only.
const MOST_LABELLED_ROWS: usize = 2_000_000;

/// The human corrections of a function, as texts and labels.
const CORRECTIONS: &str = include_str!("../../../sql/statements/corrections.sql");

/// Texts and labels, as a query gives them.
pub(super) type LabelledRows = Vec<(Option<String>, Option<String>)>;

/// Corrections among the rows of a training.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Corrections {
    /// Corrections that are trained on: one for each text.
    pub(super) used: usize,
    /// Corrections with a label that no row of the query has.
    pub(super) left_out: usize,
}

impl Session {
    /// The rows of a statement's query: its columns text and label, or its first two.
    pub(super) async fn labelled_rows(&self, prepared: &Prepared) -> Result<LabelledRows, Error> {
        self.labelled_rows_with(prepared, Vec::new()).await
    }

    async fn labelled_rows_with(
        &self,
        prepared: &Prepared,
        parameters: Vec<ScalarValue>,
    ) -> Result<LabelledRows, Error> {
        let (_, mut stream) = self.rows(prepared, parameters).await?;
        let mut rows = Vec::new();
        while let Some(batch) = stream.try_next().await? {
            if rows.len() + batch.num_rows() > MOST_LABELLED_ROWS {
                return Err(Error::statement(
                    sqlstate::PROGRAM_LIMIT_EXCEEDED,
                    format!("the query gives more than {MOST_LABELLED_ROWS} rows"),
                )
                .with_hint("A part of them is enough: ORDER BY random() LIMIT 200000."));
            }
            let (texts, labels) = labelled_columns(&batch)?;
            let (texts, labels) = (texts.as_string::<i32>(), labels.as_string::<i32>());
            let owned = |value: Option<&str>| value.map(str::to_owned);
            rows.extend(texts.iter().zip(labels).map(|(t, l)| (owned(t), owned(l))));
        }
        Ok(rows)
    }

    /// Adds the human corrections of the model's function to the rows of its query.
    ///
    /// Where the statement does not ask for them, a user who may not read them trains without.
    pub(super) async fn correct(
        &self,
        create: &CreateModel,
        rows: &mut LabelledRows,
    ) -> Result<Corrections, Error> {
        if create.options.corrections == Some(false) {
            return Ok(Corrections::default());
        }
        match self.corrections(&create.options.function).await {
            Ok(corrections) => {
                let unclassified = create.options.unclassified.as_deref();
                Ok(merge(rows, corrections, unclassified))
            }
            Err(error)
                if error.sqlstate() == sqlstate::INSUFFICIENT_PRIVILEGE
                    && create.options.corrections.is_none() =>
            {
                Ok(Corrections::default())
            }
            Err(error) => Err(error),
        }
    }

    async fn corrections(&self, function: &str) -> Result<LabelledRows, Error> {
        let mut statements = self.parse(CORRECTIONS)?;
        let statement = statements.pop().ok_or_else(|| {
            Error::statement(sqlstate::INTERNAL_ERROR, "the corrections are no query")
        })?;
        let prepared = self
            .plan_statement(statement, &[Some(DataType::Utf8)])
            .await?;
        self.labelled_rows_with(&prepared, vec![ScalarValue::from(function)])
            .await
    }
}

/// Puts corrections, the newest first, in the place of rows with the same text. A correction has a
/// say where the model knows its label: those made for the labels of another model would
/// otherwise become labels of this one.
fn merge(
    rows: &mut LabelledRows,
    corrections: LabelledRows,
    unclassified: Option<&str>,
) -> Corrections {
    let unclassified = unclassified.unwrap_or(verbatim_udfs::model::UNCLASSIFIED);
    let known: HashSet<String> = rows
        .iter()
        .filter_map(|(_, label)| Some(label.as_deref()?.trim().to_owned()))
        .chain([unclassified.to_owned()])
        .collect();
    let mut counts = Corrections::default();
    let mut corrected: HashMap<String, String> = HashMap::new();
    for (text, label) in corrections {
        let (Some(text), Some(label)) = (text, label) else {
            continue;
        };
        let text = text.trim();
        if !text.chars().any(char::is_alphanumeric) || corrected.contains_key(text) {
            continue;
        }
        if known.contains(label.trim()) {
            corrected.insert(text.to_owned(), label);
        } else {
            counts.left_out += 1;
        }
    }
    counts.used = corrected.len();
    rows.retain(|(text, _)| {
        text.as_deref()
            .is_none_or(|text| !corrected.contains_key(text.trim()))
    });
    // In an order of their own: the same corrections give the same model.
    let mut corrected: Vec<(String, String)> = corrected.into_iter().collect();
    corrected.sort_unstable();
    rows.extend(corrected.into_iter().map(|(t, l)| (Some(t), Some(l))));
    counts
}

fn labelled_columns(batch: &RecordBatch) -> Result<(ArrayRef, ArrayRef), Error> {
    let schema = batch.schema();
    let place = |name: &str| {
        let fields = schema.fields().iter();
        let mut names = fields.map(|field| strip_suffix(field.name()));
        names.position(|found| found == name)
    };
    let (text, label) = match (place("text"), place("label")) {
        (Some(text), Some(label)) => (text, label),
        _ if batch.num_columns() == 2 => (0, 1),
        _ => {
            return Err(Error::statement(
                sqlstate::DATATYPE_MISMATCH,
                "the query gives no columns text and label",
            )
            .with_hint("SELECT … AS text, … AS label FROM …"));
        }
    };
    let column = |at: usize| cast(batch.column(at), &DataType::Utf8).map_err(DataFusionError::from);
    Ok((column(text)?, column(label)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(pairs: &[(&str, &str)]) -> LabelledRows {
        let row =
            |(text, label): &(&str, &str)| (Some((*text).to_owned()), Some((*label).to_owned()));
        pairs.iter().map(row).collect()
    }

    #[test]
    fn a_correction_wins_over_rows_with_its_text() {
        let mut labelled = rows(&[
            ("late again", "login"),
            ("reset it", "login"),
            ("a", "post"),
        ]);
        let corrections = rows(&[
            ("late again ", "post"),
            ("late again", "login"),
            ("who are you", "unclassified"),
            ("odd", "refund_request"),
            ("!", "post"),
        ]);
        let counts = merge(&mut labelled, corrections, None);
        assert_eq!(
            counts,
            Corrections {
                used: 2,
                left_out: 1
            }
        );
        let expected = rows(&[
            ("reset it", "login"),
            ("a", "post"),
            ("late again", "post"),
            ("who are you", "unclassified"),
        ]);
        assert_eq!(labelled, expected);
    }
}
