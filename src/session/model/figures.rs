//! The rows that EVALUATE MODEL returns.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::DataFusionError;
use verbatim_udfs::train::Quality;

/// What EVALUATE MODEL returns: figures over all rows, then of each label, then what is taken for
/// what.
pub(in crate::session) fn quality_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("measure", DataType::Utf8, true),
        Field::new("label", DataType::Utf8, true),
        Field::new("predicted", DataType::Utf8, true),
        Field::new("value", DataType::Float64, true),
        Field::new("rows", DataType::Int64, true),
    ]))
}

/// Measure, label, predicted label, value, rows.
type Figure<'a> = (
    &'a str,
    Option<&'a str>,
    Option<&'a str>,
    Option<f64>,
    usize,
);

pub(super) fn quality_rows(quality: &Quality) -> Result<RecordBatch, DataFusionError> {
    let mut rows: Vec<Figure<'_>> = [
        ("accuracy", Some(quality.accuracy)),
        ("accuracy_margin", Some(quality.accuracy_margin)),
        ("macro_f1", Some(quality.macro_f1)),
        ("macro_recall", Some(quality.macro_recall)),
        ("weighted_f1", Some(quality.weighted_f1)),
        ("calibration_error", quality.calibration_error),
    ]
    .map(|(measure, value)| (measure, None, None, value, quality.rows))
    .to_vec();
    for label in &quality.labels {
        for (measure, value) in [
            ("precision", label.precision),
            ("recall", label.recall),
            ("f1", label.f1),
        ] {
            rows.push((measure, Some(&label.label), None, Some(value), label.rows));
        }
    }
    for (truth, said, count) in &quality.confusions {
        let of = quality.labels.iter().find(|label| label.label == *truth);
        let share = *count as f64 / of.map_or(1, |label| label.rows) as f64;
        rows.push(("confusion", Some(truth), Some(said), Some(share), *count));
    }
    let texts = |of: fn(&Figure<'_>) -> Option<String>| {
        Arc::new(rows.iter().map(of).collect::<StringArray>()) as ArrayRef
    };
    Ok(RecordBatch::try_new(
        quality_schema(),
        vec![
            texts(|row| Some(row.0.to_owned())),
            texts(|row| row.1.map(str::to_owned)),
            texts(|row| row.2.map(str::to_owned)),
            Arc::new(rows.iter().map(|row| row.3).collect::<Float64Array>()),
            Arc::new(
                rows.iter()
                    .map(|row| Some(row.4 as i64))
                    .collect::<Int64Array>(),
            ),
        ],
    )?)
}
