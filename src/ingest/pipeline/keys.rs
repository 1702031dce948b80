//! Keys of messages as hashes: an index of all that are in the lake, for imports.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hash, Hasher};

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::Int32Type;
use siphasher::sip128::{Hasher128, SipHasher13};

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
    /// Files whose keys are in here.
    pub(super) files: HashSet<String>,
    /// Version of `messages` that was read.
    pub(super) version: i64,
    /// There are files that have not been read.
    pub(super) stale: bool,
}

/// Recent keys are sorted in once there are this many, or an eighth of the sorted ones.
const RECENT: usize = 1 << 20;

impl Default for KeyIndex {
    fn default() -> Self {
        KeyIndex {
            sorted: Vec::new(),
            recent: KeySet::default(),
            turns: Keyed::default(),
            files: HashSet::new(),
            version: 0,
            stale: true,
        }
    }
}

impl KeyIndex {
    /// Takes in rows of `conversation_id`, `message_id`, `turn_index`: those of the conversations
    /// that are wanted, all for `None`.
    pub(super) fn add(&mut self, batch: &RecordBatch, wanted: Option<&KeySet>) {
        let columns = (
            batch.column(0).as_string_opt::<i32>(),
            batch.column(1).as_string_opt::<i32>(),
            batch.column(2).as_primitive_opt::<Int32Type>(),
        );
        let (Some(conversations), Some(messages), Some(turns)) = columns else {
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
                self.insert(Key::of(&[id, messages.value(row)]), conversation, turn);
            }
        }
    }

    /// Takes in a conversation that may have no messages.
    pub(super) fn insert_conversation(&mut self, conversation: Key) {
        self.turns.entry(conversation).or_insert(0);
    }

    pub(super) fn insert(&mut self, message: Key, conversation: Key, next_turn: i32) {
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

    /// Number of a conversation's next turn; `None` when the lake does not know it.
    pub(super) fn next_turn(&self, conversation: Key) -> Option<i32> {
        self.turns.get(&conversation).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len() + self.recent.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

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
            index.insert(key(number), conversation, number as i32 + 1);
        }
        assert_eq!(index.len(), count);
        assert!((0..count).all(|number| index.contains(key(number))));
        assert!(!index.contains(key(count)));
        assert_eq!(index.next_turn(conversation), Some(count as i32));
        assert_eq!(index.next_turn(Key::of(&["d"])), None);
    }
}
