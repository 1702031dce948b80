//! EXPLAIN as PostgreSQL's clients expect it: lines of text in one column `QUERY PLAN`.

use std::sync::Arc;

use datafusion::arrow::array::{Array, RecordBatch, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::error::Error;

/// The result of every EXPLAIN.
pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new(
        "QUERY PLAN",
        DataType::Utf8,
        false,
    )]))
}

/// DataFusion's rows of (kind, plan) as lines, each plan under its kind.
pub(super) fn lines(batches: &[RecordBatch]) -> Result<RecordBatch, Error> {
    let mut lines: Vec<String> = Vec::new();
    for batch in batches {
        let text = |index: usize| -> Result<Option<StringArray>, Error> {
            match batch.columns().get(index) {
                Some(column) => {
                    let column = cast(column, &DataType::Utf8)
                        .map_err(datafusion::error::DataFusionError::from)?;
                    Ok(column.as_any().downcast_ref::<StringArray>().cloned())
                }
                None => Ok(None),
            }
        };
        let (Some(kinds), Some(plans)) = (text(0)?, text(1)?) else {
            continue;
        };
        for row in 0..batch.num_rows() {
            lines.push(format!("{}:", kinds.value(row).replace('_', " ")));
            lines.extend(plans.value(row).lines().map(|line| format!("  {line}")));
        }
    }
    let column = Arc::new(StringArray::from(lines));
    RecordBatch::try_new(schema(), vec![column])
        .map_err(|error| Error::from(datafusion::error::DataFusionError::from(error)))
}
