//! One write at a time for a conversation, many for all of them, in the order in which they came.
//!
//! What a write looks up about its conversations must not change until it is durable: neither the
//! keys that are there nor the number of the next turn. And what comes later in a file must not
//! overtake what comes before it: the later row of a conversation would lose against the earlier.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::keys::KeySet;

/// The writes under way.
#[derive(Debug, Default)]
pub(super) struct Claims {
    queue: Mutex<Queue>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    /// What each write claims; `None` while it is not known, which counts as everything.
    turns: BTreeMap<u64, Option<KeySet>>,
}

/// The place of a write in the order of all: no write with a later turn that touches the same rows
/// begins before this one is done, which it is when this is dropped.
#[derive(Debug)]
pub struct Turn {
    claims: Arc<Claims>,
    number: u64,
}

impl Claims {
    /// Takes the next turn.
    pub(super) fn turn(self: &Arc<Self>) -> Turn {
        let mut queue = self.queue.lock();
        let number = queue.next;
        queue.next += 1;
        queue.turns.insert(number, None);
        Turn {
            claims: Arc::clone(self),
            number,
        }
    }
}

impl Turn {
    /// Says what the write touches, and waits until no write with an earlier turn is busy with any
    /// of it.
    pub(super) async fn claim(&self, wanted: KeySet) {
        {
            let mut queue = self.claims.queue.lock();
            queue.turns.insert(self.number, Some(wanted));
        }
        // Others may have waited to learn what this write touches.
        self.claims.changed.notify_waiters();
        loop {
            let changed = self.claims.changed.notified();
            tokio::pin!(changed);
            // Before the look at the queue, so that a change in between is not missed.
            changed.as_mut().enable();
            if self.is_first() {
                return;
            }
            changed.await;
        }
    }

    fn is_first(&self) -> bool {
        let queue = self.claims.queue.lock();
        let Some(Some(wanted)) = queue.turns.get(&self.number) else {
            return false;
        };
        let mut earlier = queue.turns.range(..self.number).map(|(_, claimed)| claimed);
        earlier.all(|claimed| {
            claimed
                .as_ref()
                .is_some_and(|claimed| claimed.is_disjoint(wanted))
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.claims.queue.lock().turns.remove(&self.number);
        self.claims.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::super::keys::{Key, KeySet};
    use super::Claims;

    fn keys(names: &[&str]) -> KeySet {
        names.iter().map(|name| Key::of(&[name])).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn overlapping_writes_take_turns_in_order() {
        let claims = Arc::new(Claims::default());
        let (busy, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let writes = (0..40).map(|number: usize| {
            let turn = claims.turn();
            let (busy, done) = (Arc::clone(&busy), Arc::clone(&done));
            tokio::spawn(async move {
                // The later ones know first what they want.
                tokio::time::sleep(Duration::from_millis(40 - number as u64)).await;
                let own = number.to_string();
                turn.claim(keys(&["shared", &own])).await;
                assert_eq!(busy.fetch_add(1, Ordering::SeqCst), 0);
                assert_eq!(done.fetch_add(1, Ordering::SeqCst), number);
                tokio::time::sleep(Duration::from_millis(1)).await;
                busy.fetch_sub(1, Ordering::SeqCst);
            })
        });
        for write in writes.collect::<Vec<_>>() {
            write.await.unwrap();
        }
        assert!(claims.queue.lock().turns.is_empty());
    }

    #[tokio::test]
    async fn others_do_not_wait() {
        let claims = Arc::new(Claims::default());
        let (one, two, three) = (claims.turn(), claims.turn(), claims.turn());
        one.claim(keys(&["a"])).await;
        two.claim(keys(&["b"])).await;
        let wait = Duration::from_millis(20);
        let third = tokio::time::timeout(wait, three.claim(keys(&["a"]))).await;
        assert!(third.is_err());
        drop(one);
        three.claim(keys(&["a"])).await;
        // A write that failed before it knew what it wants holds nobody up.
        let (four, five) = (claims.turn(), claims.turn());
        let fifth = tokio::time::timeout(wait, five.claim(keys(&["z"]))).await;
        assert!(fifth.is_err());
        drop(four);
        five.claim(keys(&["z"])).await;
    }
}
