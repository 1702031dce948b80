//! A write that nobody waits for any more, because its statement was cancelled or its client has
//! gone: it is given up as long as nothing of it can be durable, and finished from then on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::task::AbortHandle;

const OPEN: u8 = 0;
const COMMITTING: u8 = 1;
const ABANDONED: u8 = 2;

/// Which of the two came first: the append, or the end of the one who waits for it.
#[derive(Debug, Default)]
pub(super) struct Commitment(AtomicU8);

impl Commitment {
    /// Called before the append; false when nobody waits any more, and nothing may be appended.
    pub(super) fn begin(&self) -> bool {
        self.reach(COMMITTING) || self.0.load(Ordering::Acquire) == COMMITTING
    }

    fn reach(&self, state: u8) -> bool {
        let exchanged = self
            .0
            .compare_exchange(OPEN, state, Ordering::AcqRel, Ordering::Acquire);
        exchanged.is_ok()
    }
}

/// Held by the one who waits for a write; ends the write's task when it is dropped in time.
pub(super) struct Waiting {
    pub(super) commitment: Arc<Commitment>,
    pub(super) task: AbortHandle,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.commitment.reach(ABANDONED) {
            self.task.abort();
        }
    }
}
