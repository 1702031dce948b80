//! The memory of the scoring threads, kept from call to call.
//!
//! It holds the words that a thread met lately, about a megabyte: too much to make anew for a
//! call on one row.

use std::cell::Cell;

use super::score::Scratch;

thread_local! {
    static KEPT: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Works with the memory of this thread. A call inside of `work` gets new memory.
pub(crate) fn with_scratch<T>(work: impl FnOnce(&mut Scratch) -> T) -> T {
    let mut scratch = KEPT.take().unwrap_or_default();
    let answer = work(&mut scratch);
    KEPT.set(Some(scratch));
    answer
}
