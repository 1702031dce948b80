//! Upkeep of the weight files: what no name stands for any more is deleted from time to time.

use std::sync::Weak;
use std::time::{Duration, Instant};

use datafusion::arrow::array::RecordBatch;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::enrich::remove_unneeded;
use crate::lake::{CommitHook, Lake};

/// After commits, at most once in an interval, as the upkeep of tables.
pub(super) struct ModelUpkeep {
    /// Weak: the lake holds the hook.
    lake: Weak<Lake>,
    interval: Duration,
    last: Mutex<Instant>,
}

impl ModelUpkeep {
    /// The first time is one interval from now.
    pub(super) fn new(lake: Weak<Lake>, interval: Duration) -> ModelUpkeep {
        ModelUpkeep {
            lake,
            interval,
            last: Mutex::new(Instant::now()),
        }
    }
}

impl CommitHook for ModelUpkeep {
    fn committed(&self, _table: &str, _version: i64, _rows: &[RecordBatch]) {
        let mut last = self.last.lock();
        if last.elapsed() < self.interval {
            return;
        }
        let (Some(lake), Ok(runtime)) = (self.lake.upgrade(), Handle::try_current()) else {
            return;
        };
        *last = Instant::now();
        runtime.spawn(async move {
            if let Err(error) = remove_unneeded(&lake).await {
                tracing::warn!(%error, "weight files could not be removed");
            }
        });
    }
}
