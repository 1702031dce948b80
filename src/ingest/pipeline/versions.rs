//! Which messages of a write are new, and which are later versions of what is there.
//!
//! A message is there once: the same key again is a duplicate, unless it was edited later or says
//! that the message is gone. Both are appended as a new version, which hides the one before.

use std::collections::hash_map::Entry;

use datafusion::arrow::array::{Array, AsArray, BooleanArray, TimestampMicrosecondArray};

use super::batch::{TableBatch, time_array};
use super::keys::{Key, Keyed};
use super::known::Known;
use crate::ingest::IngestError;

/// The version of a message. Versions are in order, the latest is what readers see.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    /// When it was edited; NULL is before all times.
    pub(super) edited_at: Option<i64>,
    /// Whether the message is gone. Of two versions of the same time this one is the later:
    /// only an edit brings a message back.
    pub(super) deleted: bool,
}

impl Version {
    /// The version of a row.
    pub(super) fn of(
        edited: &TimestampMicrosecondArray,
        deleted: &BooleanArray,
        row: usize,
    ) -> Version {
        Version {
            edited_at: edited.is_valid(row).then(|| edited.value(row)),
            deleted: deleted.is_valid(row) && deleted.value(row),
        }
    }

    fn supersedes(self, known: Version) -> bool {
        self.edited_at > known.edited_at || (self.deleted && !known.deleted)
    }
}

/// What is to be done with the messages of a write.
pub(super) struct Chosen {
    /// The messages that go in: new ones and later versions.
    pub(super) keep: Vec<bool>,
    /// The messages among them that are later versions.
    pub(super) revised: Vec<usize>,
}

/// Leaves out the messages that are there, in the lake or earlier in the write. Gives a later
/// version its place behind the one that it supersedes. `keys` are those of the messages.
pub(super) fn choose(
    messages: &mut TableBatch,
    keys: &[(Key, Key)],
    known: &Known,
    now: i64,
) -> Result<Chosen, IngestError> {
    let edited = messages.times("edited_at")?;
    let deleted = messages.column("is_deleted")?.as_boolean();
    let mut there: Keyed<Version> = Keyed::default();
    let mut chosen = Chosen {
        keep: Vec::with_capacity(keys.len()),
        revised: Vec::new(),
    };
    let mut late: Option<Vec<Option<i64>>> = None;
    for (row, (key, _)) in keys.iter().enumerate() {
        let version = Version::of(edited, deleted, row);
        let before = match there.entry(*key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) if known.messages.contains(key) => {
                entry.insert(known.versions.get(key).copied().unwrap_or_default())
            }
            Entry::Vacant(entry) => {
                entry.insert(version);
                chosen.keep.push(true);
                continue;
            }
        };
        let later = version.supersedes(*before);
        chosen.keep.push(later);
        if !later {
            continue;
        }
        chosen.revised.push(row);
        if version.edited_at < before.edited_at {
            // A deletion without a time of its own comes after the last edit.
            let times = late.get_or_insert_with(|| edited.iter().collect());
            times[row] = before.edited_at;
        }
        *before = Version {
            edited_at: version.edited_at.max(before.edited_at),
            deleted: version.deleted,
        };
    }
    if let Some(times) = late {
        messages.put("edited_at", time_array(times))?;
    }
    let mut written = vec![Some(now); messages.len()];
    for (after, row) in (1..).zip(&chosen.revised) {
        // Versions that come together stay in their order.
        written[*row] = Some(now + after);
    }
    messages.put("ingested_at", time_array(written))?;
    Ok(chosen)
}
