//! Scores each batch of texts once for all the functions that one query calls on it.
//!
//! `SELECT sentiment(text), intent(text) …` evaluates its calls one after the other on the same
//! array. The feature pass costs more than a head, so a thread remembers the array it scored last,
//! the columns that were asked of it, and, on the next array that starts with the same column,
//! scores all of these in one pass.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::common::{DataFusionError, Result};

use crate::model::{ModelSet, ScoreColumn};

/// Below this many rows a pass is cheaper than the bookkeeping is worth.
const SMALLEST_BATCH: usize = 64;

/// What was scored last on this thread.
struct Memo {
    /// The models that scored it.
    models: ModelSet,
    /// The array itself is not kept alive; its allocation is, so that no later array can have the
    /// same address and be taken for it.
    texts: Weak<dyn Array>,
    /// Columns in the order in which they were asked for.
    asked: Vec<ScoreColumn>,
    /// Columns that are there, asked for or foreseen.
    scored: Vec<(ScoreColumn, ArrayRef)>,
}

thread_local! {
    static LAST: RefCell<Option<Memo>> = const { RefCell::new(None) };
}

/// The values of `column` for an array of any string type.
pub(crate) fn score(models: &ModelSet, texts: &ArrayRef, column: ScoreColumn) -> Result<ArrayRef> {
    if texts.len() < SMALLEST_BATCH {
        return pass(models, texts, &[column]).map(|mut scored| scored.swap_remove(0).1);
    }
    // Taken out while it is worked on: an early return by an error forgets, it never misleads.
    let last = LAST.take();
    let mut memo = match last {
        Some(memo) if is_same(&memo.texts, texts) && memo.models.is(models) => memo,
        last => Memo {
            models: models.clone(),
            texts: Arc::downgrade(texts),
            asked: Vec::new(),
            scored: pass(models, texts, &foreseen(last, column))?,
        },
    };
    if !memo.asked.contains(&column) {
        memo.asked.push(column);
    }
    if !memo.scored.iter().any(|(scored, _)| *scored == column) {
        memo.scored.extend(pass(models, texts, &[column])?);
    }
    let answer = memo.scored.iter().find(|(scored, _)| *scored == column);
    let answer = answer.map(|(_, values)| Arc::clone(values));
    LAST.set(Some(memo));
    answer.ok_or_else(|| missing(column))
}

/// The columns to score on a new array whose first call is for `column`.
fn foreseen(last: Option<Memo>, column: ScoreColumn) -> Vec<ScoreColumn> {
    match last {
        Some(memo) if memo.asked.first() == Some(&column) => memo.asked,
        _ => vec![column],
    }
}

fn is_same(remembered: &Weak<dyn Array>, texts: &ArrayRef) -> bool {
    std::ptr::addr_eq(remembered.as_ptr(), Arc::as_ptr(texts))
}

fn pass(
    models: &ModelSet,
    texts: &ArrayRef,
    columns: &[ScoreColumn],
) -> Result<Vec<(ScoreColumn, ArrayRef)>> {
    let scored = models
        .score(texts.as_ref(), columns)
        .map_err(|error| DataFusionError::External(Box::new(error)))?;
    if scored.len() != columns.len() {
        return Err(columns
            .first()
            .map_or_else(|| missing(ScoreColumn::Sentiment), |c| missing(*c)));
    }
    Ok(columns.iter().copied().zip(scored).collect())
}

fn missing(column: ScoreColumn) -> DataFusionError {
    DataFusionError::Internal(format!(
        "the model set gave no values for {}",
        column.name()
    ))
}
