//! How a lake is opened.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;

/// Options of [`Lake::open`](super::Lake::open).
#[derive(Debug, Clone)]
pub struct LakeOptions {
    /// Make a new lake when there is none at the address.
    pub create: bool,
    /// How old a snapshot may be when a statement starts.
    pub staleness: Duration,
    /// How long small appends may be gathered while many arrive.
    pub flush_interval: Duration,
    /// Bytes of rows in memory at which a group commit no longer waits.
    pub flush_bytes: usize,
    /// Number of small files of a table at which they are compacted in the background.
    pub compact_files: usize,
    /// Commits between two checkpoints of a table's log.
    pub checkpoint_interval: i64,
    /// How long files that have been replaced stay for those who still read them.
    pub retention: Duration,
    /// Time between two removals of files that no version needs, after a commit.
    pub vacuum_interval: Duration,
    /// On a local disk: write each commit through to the disk before it is acknowledged, so that it
    /// survives a loss of power. Without, it survives the end of the process only.
    pub sync: bool,
    /// Settings of the object store on top of the environment, such as `aws_endpoint`.
    pub storage: HashMap<String, String>,
    /// Takes the place of the store that the address names: for tests and embedders.
    pub store: Option<Arc<dyn ObjectStore>>,
}

impl Default for LakeOptions {
    fn default() -> Self {
        LakeOptions {
            create: true,
            staleness: Duration::from_secs(1),
            flush_interval: Duration::from_secs(1),
            flush_bytes: 64 << 20,
            compact_files: 200,
            checkpoint_interval: 50,
            retention: Duration::from_secs(3600),
            vacuum_interval: Duration::from_secs(3600),
            sync: true,
            storage: HashMap::new(),
            store: None,
        }
    }
}
