//! Keys of messages as hashes: an index of all that are in the lake, for imports.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::arrow::array::{Array, AsArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::versions::Version;

/// 128 bits stand for a key: in 10^9 keys the chance that any two share theirs is below 10^-20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u64, u64);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// Takes a key's first half as it is: it is a hash already.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

pub(super) type Keyed<V> = HashMap<Key, V, BuildHasherDefault<AsIs>>;
pub(super) type KeySet = HashSet<Key, BuildHasherDefault<AsIs>>;

impl Key {
    pub(super) fn of(parts: &[&str]) -> Key {
        let mut hasher = SipHasher13::new();
        for part in parts {
            // The length keeps ("a", "bc") and ("ab", "c") apart.
            hasher.write_usize(part.len());
            hasher.write(part.as_bytes());
        }
        let hash = hasher.finish128();
        Key(hash.h1, hash.h2)
    }
}

/// Sorted keys and the newest ones beside them: 16 bytes a message.
#[derive(Debug)]
pub(super) struct KeyIndex {
    sorted: Vec<Key>,
    recent: KeySet,
    /// Number of the next turn, by conversation.
    turns: Keyed<i32>,
    /// Versions of the messages that were edited or deleted.
    versions: Keyed<Version>,
    /// Files whose keys are in here.
    pub(super) files: HashSet<String>,
    /// Version of `messages` that was read.
    pub(super) version: i64,
    /// There are files that have not been read.
    pub(super) stale: bool,
    /// When a write last looked something up.
    pub(super) used: Instant,
}

/// An index that nobody has used for so long is freed.
const IDLE: Duration = Duration::from_secs(300);

/// Recent keys are sorted in once there are this many, or an eighth of the sorted ones.
const RECENT: usize = 1 << 20;

impl Default for KeyIndex {
    fn default() -> Self {
        KeyIndex {
            sorted: Vec::new(),
            recent: KeySet::default(),
            turns: Keyed::default(),
            versions: Keyed::default(),
            files: HashSet::new(),
            version: 0,
            stale: true,
            used: Instant::now(),
        }
    }
}

impl KeyIndex {
    /// Takes in rows of `conversation_id`, `message_id`, `turn_index`, `edited_at`, `is_deleted`:
    /// those of the conversations that are wanted, all for `None`.
    pub(super) fn add(&mut self, batch: &RecordBatch, wanted: Option<&KeySet>) {
        let columns = (
            batch.column(2).as_primitive_opt::<Int32Type>(),
            batch
                .column(3)
                .as_primitive_opt::<TimestampMicrosecondType>(),
            batch.column(4).as_boolean_opt(),
        );
        let (Some(turns), Some(edited), Some(deleted)) = columns else {
            return;
        };
        let Some((conversations, messages)) = ids(batch) else {
            return;
        };
        let mut last: Option<(usize, Key)> = None;
        for row in 0..batch.num_rows() {
            let id = conversations.value(row);
            // Rows of a conversation mostly stand together.
            let conversation = match last {
                Some((at, key)) if conversations.value(at) == id => key,
                _ => Key::of(&[id]),
            };
            last = Some((row, conversation));
            if wanted.is_none_or(|wanted| wanted.contains(&conversation)) {
                let turn = if turns.is_null(row) {
                    0
                } else {
                    turns.value(row).saturating_add(1)
                };
                let message = Key::of(&[id, messages.value(row)]);
                let version = Version::of(edited, deleted, row);
                self.insert(message, conversation, turn, version);
            }
        }
    }

    /// Takes in a conversation that may have no messages.
    pub(super) fn insert_conversation(&mut self, conversation: Key) {
        self.turns.entry(conversation).or_insert(0);
    }

    pub(super) fn insert(
        &mut self,
        message: Key,
        conversation: Key,
        next_turn: i32,
        version: Version,
    ) {
        if version != Version::default() {
            let known = self.versions.entry(message).or_default();
            *known = version.max(*known);
        }
        if !self.contains(message) {
            self.recent.insert(message);
        }
        let turns = self.turns.entry(conversation).or_insert(0);
        *turns = (*turns).max(next_turn);
        if self.recent.len() > RECENT.max(self.sorted.len() / 8) {
            self.sorted.extend(self.recent.drain());
            self.sorted.sort_unstable();
        }
    }

    pub(super) fn contains(&self, message: Key) -> bool {
        self.recent.contains(&message) || self.sorted.binary_search(&message).is_ok()
    }

    /// The version of a message that was edited or deleted.
    pub(super) fn version_of(&self, message: Key) -> Option<Version> {
        self.versions.get(&message).copied()
    }

    /// Number of a conversation's next turn; `None` when the lake does not know it.
    pub(super) fn next_turn(&self, conversation: Key) -> Option<i32> {
        self.turns.get(&conversation).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len() + self.recent.len()
    }
}

fn ids(batch: &RecordBatch) -> Option<(&StringArray, &StringArray)> {
    let conversations = batch.column(0).as_string_opt::<i32>()?;
    Some((conversations, batch.column(1).as_string_opt::<i32>()?))
}

/// The turn numbers of messages that are wanted, which are given with their conversations; rows as
/// those of [`KeyIndex::add`].
pub(super) fn numbered(batch: &RecordBatch, wanted: &Keyed<Key>) -> Keyed<i32> {
    let turns = batch.column(2).as_primitive_opt::<Int32Type>();
    let (Some((conversations, messages)), Some(turns)) = (ids(batch), turns) else {
        return Keyed::default();
    };
    let rows = (0..batch.num_rows()).filter(|row| turns.is_valid(*row));
    rows.filter_map(|row| {
        let key = Key::of(&[conversations.value(row), messages.value(row)]);
        wanted.contains_key(&key).then(|| (key, turns.value(row)))
    })
    .collect()
}

/// Frees the index when it has been idle for a while: the next write that wants one reads the keys
/// again.
pub(super) fn free_when_idle(index: &Arc<tokio::sync::Mutex<Option<KeyIndex>>>) {
    let index = Arc::downgrade(index);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(IDLE / 4).await;
            let Some(shared) = index.upgrade() else {
                return;
            };
            let mut shared = shared.lock().await;
            match &*shared {
                Some(index) if index.used.elapsed() < IDLE => {}
                _ => {
                    *shared = None;
                    return;
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::super::versions::Version;
    use super::{Key, KeyIndex, RECENT};

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(Key::of(&["a", "bc"]), Key::of(&["ab", "c"]));
        assert_ne!(Key::of(&["a"]), Key::of(&["a", ""]));
        assert_eq!(Key::of(&["a", "b"]), Key::of(&["a", "b"]));
    }

    #[test]
    fn nothing_is_forgotten_when_keys_are_sorted_in() {
        let mut index = KeyIndex::default();
        let conversation = Key::of(&["c"]);
        let count = RECENT + 1000;
        let key = |number: usize| Key(number as u64, !(number as u64));
        for number in 0..count {
            let next = number as i32 + 1;
            index.insert(key(number), conversation, next, Version::default());
        }
        assert_eq!(index.len(), count);
        assert!((0..count).all(|number| index.contains(key(number))));
        assert!(!index.contains(key(count)));
        assert_eq!(index.next_turn(conversation), Some(count as i32));
        assert_eq!(index.next_turn(Key::of(&["d"])), None);
    }
}
