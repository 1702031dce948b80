//! The snapshots of a statement: the same table is the same in all its scans.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::Session;
use parking_lot::Mutex;

use super::LakeError;
use super::table::{LakeTable, Snapshot};

/// Snapshots that a statement has pinned. Put a fresh one into the `SessionConfig` of each
/// statement with `with_extension(Arc::new(SnapshotPins::default()))`; without one each scan takes
/// the current snapshot.
///
/// `messages` is pinned first, whichever table is read first, so that no row of another table is
/// seen without its messages and no message without its conversation.
#[derive(Debug, Default)]
pub struct SnapshotPins {
    pinned: Mutex<HashMap<String, Arc<Snapshot>>>,
}

impl SnapshotPins {
    /// The table's snapshot of this statement, pinned now if it is not yet.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn pin(&self, table: &LakeTable) -> Result<Arc<Snapshot>, LakeError> {
        if let Some(pinned) = self.get(table.name()) {
            return Ok(pinned);
        }
        let snapshot = match table.messages() {
            None => table.snapshot().await?,
            Some(messages) => {
                let pinned = match self.get(messages.name()) {
                    Some(pinned) => pinned,
                    None => {
                        let snapshot = messages.snapshot().await?;
                        self.keep(messages.name(), snapshot)
                    }
                };
                table.snapshot_with(&pinned).await?
            }
        };
        Ok(self.keep(table.name(), snapshot))
    }

    /// The table's snapshot if it has been pinned.
    pub fn get(&self, table: &str) -> Option<Arc<Snapshot>> {
        self.pinned.lock().get(table).cloned()
    }

    /// Keeps the first of two that race.
    fn keep(&self, table: &str, snapshot: Arc<Snapshot>) -> Arc<Snapshot> {
        Arc::clone(
            self.pinned
                .lock()
                .entry(table.to_string())
                .or_insert(snapshot),
        )
    }

    /// The table's snapshot in a session: pinned where the session has pins, else the current one.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn of(session: &dyn Session, table: &LakeTable) -> Result<Arc<Snapshot>, LakeError> {
        match session.config().get_extension::<SnapshotPins>() {
            Some(pins) => pins.pin(table).await,
            None => table.snapshot().await,
        }
    }
}
