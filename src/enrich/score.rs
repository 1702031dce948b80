//! Scoring a batch of messages.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, Scalar, StringArray};
use datafusion::arrow::compute::kernels::boolean::or;
use datafusion::arrow::compute::kernels::cmp::eq;
use datafusion::arrow::compute::{cast, nullif};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::error::ArrowError;
use verbatim_udfs::model::{ModelSet, ScoreColumn};

use super::EnrichError;

/// Roles whose rows are stored and never scored.
pub const UNSCORED_ROLES: [&str; 2] = ["tool", "system"];

/// The last role, in the order of the alphabet, that is scored: a file whose highest role is not
/// above it has a score for every text.
pub const LAST_SCORED_ROLE: &str = "supervisor";

/// Name of the column that says which model set wrote the scores.
pub const SCORED_BY: &str = "scored_by";

/// Fills the score columns and `scored_by` of a batch of messages.
///
/// Columns that the batch lacks are added behind its own; scores that it brought are replaced.
/// Rows of the [`UNSCORED_ROLES`] and rows whose text is NULL or blank get NULL scores. `scored_by`
/// is the same for every row, so that a file's statistics tell its set.
///
/// # Errors
/// When `role` or `text` is missing or is no string column, or when a scorer fails.
pub fn score_messages(batch: &RecordBatch, models: &ModelSet) -> Result<RecordBatch, EnrichError> {
    score_columns(batch, models, &ScoreColumn::ALL, models.id())
}

/// Fills some score columns of a batch, keeps the others, and marks the rows as scored by `set`.
///
/// # Errors
/// As [`score_messages`].
pub fn score_columns(
    batch: &RecordBatch,
    models: &ModelSet,
    scored: &[ScoreColumn],
    set: &str,
) -> Result<RecordBatch, EnrichError> {
    let role = string_column(batch, "role")?;
    let text = string_column(batch, "text")?;
    let text = nullif(text, &is_unscored(role)?)?;
    let scores = models.score(text.as_ref(), scored)?;
    let mut columns = Columns::of(batch);
    for (column, values) in scored.iter().zip(scores) {
        columns.put(column.field(), values);
    }
    let set = StringArray::from_iter_values(std::iter::repeat_n(set, batch.num_rows()));
    columns.put(Field::new(SCORED_BY, DataType::Utf8, true), Arc::new(set));
    columns.into_batch(batch)
}

/// True where a row's role is one that is never scored.
fn is_unscored(role: &ArrayRef) -> Result<BooleanArray, ArrowError> {
    let [tool, system] = UNSCORED_ROLES.map(|name| {
        let name: ArrayRef = Arc::new(StringArray::from_iter_values([name]));
        cast(&name, role.data_type()).map(Scalar::new)
    });
    or(&eq(role, &tool?)?, &eq(role, &system?)?)
}

fn string_column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, EnrichError> {
    let column = batch
        .column_by_name(name)
        .ok_or_else(|| EnrichError::Column {
            name: name.to_string(),
            problem: "is missing".to_string(),
        })?;
    if !column.data_type().is_string() {
        return Err(EnrichError::Column {
            name: name.to_string(),
            problem: format!("is {}, not text", column.data_type()),
        });
    }
    Ok(column)
}

/// The columns of a batch while some are replaced or added.
struct Columns {
    fields: Vec<Arc<Field>>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    fn of(batch: &RecordBatch) -> Columns {
        Columns {
            fields: batch.schema().fields().to_vec(),
            arrays: batch.columns().to_vec(),
        }
    }

    /// Puts a column in the place of the one of its name, else behind the others.
    fn put(&mut self, field: Field, array: ArrayRef) {
        match self
            .fields
            .iter()
            .position(|known| known.name() == field.name())
        {
            Some(i) => {
                // A field that is there keeps its metadata.
                if self.fields[i].data_type() != field.data_type() {
                    self.fields[i] = Arc::new(field);
                }
                self.arrays[i] = array;
            }
            None => {
                self.fields.push(Arc::new(field));
                self.arrays.push(array);
            }
        }
    }

    fn into_batch(self, batch: &RecordBatch) -> Result<RecordBatch, EnrichError> {
        let metadata = batch.schema().metadata().clone();
        let schema = Schema::new_with_metadata(self.fields, metadata);
        Ok(RecordBatch::try_new(Arc::new(schema), self.arrays)?)
    }
}
