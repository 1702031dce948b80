//! Numbers the turns of conversations.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, Int32Array};
use datafusion::arrow::datatypes::Int32Type;

use super::batch::TableBatch;
use super::keys::{Key, Keyed};
use crate::ingest::IngestError;

/// Gives every turn without a number the next one of its conversation, in the order of time.
/// Rows of tools and of the system are no turns and get none. A later version of a message keeps
/// the message's number; `old` has those of the lake, `None` where there are no later versions.
/// Returns the number that comes next after each message.
pub(super) fn number(
    messages: &mut TableBatch,
    group: &[usize],
    keys: &[(Key, Key)],
    known: &Keyed<i32>,
    mut old: Option<Keyed<i32>>,
) -> Result<Vec<i32>, IngestError> {
    let sent = messages.times("sent_at")?;
    let roles = messages.texts("role")?;
    let given = messages.column("turn_index")?.as_primitive::<Int32Type>();
    let mut order: Vec<usize> = (0..messages.len()).collect();
    // A stable sort: what was sent at the same time stays in the order of the file.
    order.sort_by_key(|row| (group[*row], sent.value(*row)));
    let mut turns: Vec<Option<i32>> = vec![None; messages.len()];
    let mut after = vec![0; messages.len()];
    let (mut last, mut next) = (None, 0);
    for row in order {
        if last != Some(group[row]) {
            last = Some(group[row]);
            next = known.get(&keys[row].1).copied().unwrap_or(0);
        }
        if given.is_valid(row) {
            turns[row] = Some(given.value(row));
            next = next.max(given.value(row).saturating_add(1));
        } else if !matches!(roles.value(row), "tool" | "system") {
            let before = old.as_ref().and_then(|old| old.get(&keys[row].0).copied());
            turns[row] = Some(before.unwrap_or(next));
            if before.is_none() {
                next = next.saturating_add(1);
            }
        }
        if let (Some(old), Some(turn)) = (&mut old, turns[row]) {
            old.entry(keys[row].0).or_insert(turn);
        }
        after[row] = next;
    }
    messages.put("turn_index", Arc::new(Int32Array::from(turns)))?;
    Ok(after)
}
