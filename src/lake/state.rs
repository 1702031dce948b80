//! The state of a table at one version of its Delta log, kept up to date commit by commit.
//!
//! The first load goes through delta-rs (checkpoints, protocol). From there on a refresh reads only
//! the commits that are new and applies them to the list of files: its cost does not grow with the
//! number of files, where a reload through the library costs a replay of the whole log.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use deltalake_core::kernel::{Action, EagerSnapshot};
use deltalake_core::logstore::{LogStore as _, LogStoreRef, get_actions};
use futures::TryStreamExt as _;
use parking_lot::Mutex;

use super::data_file::{DataFile, Landing};
use super::{LakeError, TableSchema};

/// Key in a commit's information under which each writer leaves its id.
pub(crate) const COMMIT_WRITER: &str = "verbatimWriter";
/// Key in a commit's information that tells one's own commit from another's.
pub(crate) const COMMIT_ID: &str = "verbatimCommit";

/// What is in a table at one version.
#[derive(Debug, Clone)]
pub(crate) struct TableState {
    /// Version of the log, −1 where there is no table yet.
    pub(crate) version: i64,
    /// The live files, in the order in which they were committed.
    pub(crate) files: Arc<Vec<Arc<DataFile>>>,
    /// The last batch of messages that each writer landed, as far as it is known.
    pub(crate) landed: Arc<HashMap<String, i64>>,
    /// Latest version at which rows came or became visible (no compaction) that this process does
    /// not know of: another's, or its own where a commit seemed to fail and landed all the same.
    pub(crate) foreign_version: i64,
    /// The log held no more than this state at that time; `None`: it has never been read.
    pub(crate) as_of: Option<Instant>,
    /// The same by the clock on the wall, which goes on while the machine sleeps.
    pub(crate) as_of_wall: SystemTime,
    /// When the last entry that this process did not write had been read. What such an entry of
    /// `messages` makes visible in another table is seen by a read that begins after this.
    pub(crate) read_foreign: Option<Instant>,
    /// Batches looked up in the log, since their writer has been silent from the load of this
    /// state on; shared by all states that follow from the same load, and by no other.
    pub(crate) looked_up: Arc<Mutex<HashMap<String, Option<i64>>>>,
}

impl TableState {
    /// A table that has not been made yet.
    pub(crate) fn missing(as_of: Option<Instant>) -> Self {
        TableState {
            version: -1,
            files: Arc::default(),
            landed: Arc::default(),
            foreign_version: -1,
            as_of,
            as_of_wall: match as_of {
                Some(_) => SystemTime::now(),
                None => SystemTime::UNIX_EPOCH,
            },
            read_foreign: None,
            looked_up: Arc::default(),
        }
    }

    /// Reads the latest version from its checkpoint and log.
    pub(crate) async fn load(log: &LogStoreRef, table: &TableSchema) -> Result<Self, LakeError> {
        let (as_of, as_of_wall) = (Some(Instant::now()), SystemTime::now());
        let fail = |error| LakeError::delta(format!("reading table {}", table.name), error);
        // The kernel words a table that is not there in many ways, so ask first.
        if !log.is_delta_table_location().await.map_err(fail)? {
            return Ok(Self::missing(as_of));
        }
        let snapshot = EagerSnapshot::try_new(log.as_ref(), None)
            .await
            .map_err(fail)?;
        refuse_features(&snapshot, table)?;
        let views: Vec<_> = snapshot
            .file_views(log.as_ref(), None)
            .try_collect()
            .await
            .map_err(fail)?;
        let mut files = Vec::with_capacity(views.len());
        for view in &views {
            // The tags are in no other accessor.
            #[allow(deprecated)]
            files.push(Arc::new(DataFile::from_add(&view.add_action(), table)?));
        }
        // The kernel yields the newest first.
        files.reverse();
        let version = i64::try_from(snapshot.version()).unwrap_or(i64::MAX);
        Ok(TableState {
            version,
            files: Arc::new(files),
            landed: Arc::default(),
            foreign_version: version,
            as_of,
            as_of_wall,
            read_foreign: Some(Instant::now()),
            looked_up: Arc::default(),
        })
    }

    /// This state after a commit; `own` when this process made it and knows that it did.
    pub(crate) fn apply(
        &self,
        actions: &[Action],
        table: &TableSchema,
        own: bool,
    ) -> Result<Self, LakeError> {
        let mut next = self.clone();
        next.version += 1;
        let mut removed = HashSet::new();
        let mut added = Vec::new();
        let mut changes_data = false;
        let mut lands = false;
        for action in actions {
            match action {
                Action::Add(add) => {
                    changes_data |= add.data_change;
                    added.push(Arc::new(DataFile::from_add(add, table)?));
                }
                Action::Remove(remove) => {
                    changes_data |= remove.data_change;
                    removed.insert(remove.path.as_str());
                }
                Action::Txn(txn) => {
                    // Rows of other tables become visible, even where this one gets none.
                    lands = true;
                    Arc::make_mut(&mut next.landed).insert(txn.app_id.clone(), txn.version);
                }
                Action::Protocol(protocol) => refuse_protocol(protocol, table)?,
                _ => {}
            }
        }
        if !(removed.is_empty() && added.is_empty()) {
            let files = Arc::make_mut(&mut next.files);
            if !removed.is_empty() {
                files.retain(|file| !removed.contains(file.path.as_str()));
            }
            files.extend(added);
        }
        if (changes_data || lands) && !own {
            next.foreign_version = next.version;
        }
        Ok(next)
    }

    /// This state with all commits that have been made since.
    ///
    /// A commit of this process is applied when it is made, so that one found here is one whose
    /// answer was an error: what it brought is as unknown here as another process's.
    pub(crate) async fn advance(
        &self,
        log: &LogStoreRef,
        table: &TableSchema,
    ) -> Result<Self, LakeError> {
        let (as_of, as_of_wall) = (Some(Instant::now()), SystemTime::now());
        let mut state = self.clone();
        while let Some(actions) = read_commit(log, table, state.version + 1).await? {
            state = state.apply(&actions, table, false)?;
            state.read_foreign = Some(Instant::now());
        }
        (state.as_of, state.as_of_wall) = (as_of, as_of_wall);
        Ok(state)
    }

    /// Whether a batch of messages has landed in this state (of `messages`); `None`: not known,
    /// since the writer's last commit lies before the state was loaded.
    pub(crate) fn has_landed(&self, landing: &Landing) -> Option<bool> {
        self.landed
            .get(&landing.writer)
            .map(|sequence| landing.sequence <= *sequence)
    }
}

/// The actions of a commit, `None` when there is no such version.
pub(crate) async fn read_commit(
    log: &LogStoreRef,
    table: &TableSchema,
    version: i64,
) -> Result<Option<Vec<Action>>, LakeError> {
    let context = || format!("reading commit {version} of table {}", table.name);
    let number = u64::try_from(version).unwrap_or_default();
    let bytes = log
        .read_commit_entry(number)
        .await
        .map_err(|error| LakeError::delta(context(), error))?;
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    get_actions(number, &bytes)
        .map(Some)
        .map_err(|error| LakeError::delta(context(), error))
}

/// A text in the commit's information.
pub(crate) fn commit_info<'a>(actions: &'a [Action], key: &str) -> Option<&'a str> {
    actions.iter().find_map(|action| match action {
        Action::CommitInfo(info) => info.info.get(key)?.as_str(),
        _ => None,
    })
}

const READABLE: [&str; 1] = ["timestampNtz"];

fn refuse_features(snapshot: &EagerSnapshot, table: &TableSchema) -> Result<(), LakeError> {
    refuse_protocol(snapshot.protocol(), table)?;
    let mapped = snapshot
        .metadata()
        .configuration()
        .get("delta.columnMapping.mode");
    if mapped.is_some_and(|mode| mode != "none") {
        return Err(LakeError::Unsupported {
            table: table.name.clone(),
            feature: "column mapping".into(),
        });
    }
    Ok(())
}

fn refuse_protocol(
    protocol: &deltalake_core::kernel::Protocol,
    table: &TableSchema,
) -> Result<(), LakeError> {
    for feature in protocol.reader_features().into_iter().flatten() {
        let name = feature.to_string();
        if !READABLE.contains(&name.as_str()) {
            return Err(LakeError::Unsupported {
                table: table.name.clone(),
                feature: name,
            });
        }
    }
    Ok(())
}
