//! One write at a time for a conversation, many for all of them.
//!
//! What a write looks up about its conversations must not change until it is durable: neither the
//! keys that are there nor the number of the next turn.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::keys::{Key, KeySet};

/// The conversations that writes are busy with.
#[derive(Debug, Default)]
pub(super) struct Claims {
    busy: Mutex<KeySet>,
    freed: Notify,
}

/// Conversations held by one write; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Claim {
    claims: Arc<Claims>,
    held: KeySet,
}

impl Claims {
    /// Waits until no other write is busy with any of `wanted`, then holds them all.
    pub(super) async fn claim(self: &Arc<Self>, wanted: KeySet) -> Claim {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // Before the look at `busy`, so that a release in between is not missed.
            freed.as_mut().enable();
            {
                let mut busy = self.busy.lock();
                if wanted.is_disjoint(&busy) {
                    busy.extend(wanted.iter().copied());
                    return Claim {
                        claims: Arc::clone(self),
                        held: wanted,
                    };
                }
            }
            freed.await;
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut busy = self.claims.busy.lock();
        self.held.iter().for_each(|key: &Key| {
            busy.remove(key);
        });
        drop(busy);
        self.claims.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::{Claims, Key};

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn overlapping_writes_take_turns() {
        let claims = Arc::new(Claims::default());
        let busy = Arc::new(AtomicUsize::new(0));
        let writes = (0..40).map(|number: usize| {
            let (claims, busy) = (Arc::clone(&claims), Arc::clone(&busy));
            tokio::spawn(async move {
                let own = number.to_string();
                let wanted = [Key::of(&["shared"]), Key::of(&[&own])]
                    .into_iter()
                    .collect();
                let _claim = claims.claim(wanted).await;
                assert_eq!(busy.fetch_add(1, Ordering::SeqCst), 0);
                tokio::time::sleep(Duration::from_millis(1)).await;
                busy.fetch_sub(1, Ordering::SeqCst);
            })
        });
        for write in writes.collect::<Vec<_>>() {
            write.await.unwrap();
        }
        assert!(claims.busy.lock().is_empty());
    }
}
