//! The connections that are open, and how the statement of one is stopped by another.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use pgwire::messages::ProtocolVersion;
use pgwire::messages::cancel::CancelRequest;
use pgwire::messages::startup::SecretKey;
use rand::Rng;
use tokio_util::sync::CancellationToken;

use super::report::{Report, state};

/// Every open connection that has a place; one per server.
pub(crate) struct Backends {
    limit: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    last: i32,
    by_id: HashMap<i32, Arc<Shared>>,
}

/// What a cancel request needs to know of a connection.
struct Shared {
    secret: SecretKey,
    running: Mutex<CancellationToken>,
}

/// The place of one connection, given back when it is dropped.
pub(crate) struct Backend {
    /// The number by which the client and `pg_backend_pid()` know the connection.
    pub(crate) id: i32,
    shared: Arc<Shared>,
    backends: Arc<Backends>,
}

impl Backends {
    /// Room for `limit` connections.
    pub(crate) fn new(limit: usize) -> Arc<Backends> {
        Arc::new(Backends {
            limit,
            open: Mutex::default(),
        })
    }

    /// Takes a place, or says that there is none (53300).
    pub(crate) fn enter(self: &Arc<Self>, version: ProtocolVersion) -> Result<Backend, Report> {
        let mut rng = rand::rng();
        let secret = match version {
            ProtocolVersion::PROTOCOL3_0 => SecretKey::I32(rng.random()),
            _ => SecretKey::Bytes(rng.random::<[u8; 32]>().to_vec().into()),
        };
        let shared = Arc::new(Shared {
            secret,
            running: Mutex::default(),
        });
        let mut open = self.open.lock();
        if open.by_id.len() >= self.limit {
            return Err(Report::fatal(
                state::TOO_MANY_CONNECTIONS,
                "sorry, too many clients already",
            )
            .with_hint(
                "close idle connections, or start the server with a larger --max-connections",
            ));
        }
        let mut id = open.last;
        loop {
            id = if id == i32::MAX { 1 } else { id + 1 };
            if !open.by_id.contains_key(&id) {
                break;
            }
        }
        open.last = id;
        open.by_id.insert(id, shared.clone());
        Ok(Backend {
            id,
            shared,
            backends: self.clone(),
        })
    }

    /// How many connections are open.
    pub(crate) fn count(&self) -> usize {
        self.open.lock().by_id.len()
    }

    /// Stops the statement that the named connection runs, if the secret is right.
    pub(crate) fn cancel(&self, request: &CancelRequest) {
        let shared = self.open.lock().by_id.get(&request.pid).cloned();
        if let Some(shared) = shared
            && shared.secret.eq_value(&request.secret_key)
        {
            shared.running.lock().cancel();
        }
    }
}

impl Backend {
    /// The secret that a cancel request for this connection must bring.
    pub(crate) fn secret(&self) -> SecretKey {
        self.shared.secret.clone()
    }

    /// Called when a statement starts: the token that a cancel request fires. A request that came
    /// before has no effect on it.
    pub(crate) fn begin(&self) -> CancellationToken {
        let token = CancellationToken::new();
        *self.shared.running.lock() = token.clone();
        token
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.backends.open.lock().by_id.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_cancel_needs_the_secret_and_reaches_only_the_running_statement() {
        let backends = Backends::new(2);
        let backend = backends.enter(ProtocolVersion::PROTOCOL3_0).unwrap();
        let before = backend.begin();
        let running = backend.begin();
        backends.cancel(&CancelRequest::new(
            backend.id,
            SecretKey::Bytes(vec![0; 5].into()),
        ));
        assert!(!running.is_cancelled());
        backends.cancel(&CancelRequest::new(backend.id, backend.secret()));
        assert!(running.is_cancelled());
        assert!(!before.is_cancelled());
    }

    #[test]
    fn places_are_limited_and_given_back() {
        let backends = Backends::new(1);
        let backend = backends.enter(ProtocolVersion::PROTOCOL3_2).unwrap();
        let refused = backends.enter(ProtocolVersion::PROTOCOL3_2).err().unwrap();
        assert_eq!(refused.state, "53300");
        drop(backend);
        assert_eq!(backends.count(), 0);
        assert!(backends.enter(ProtocolVersion::PROTOCOL3_2).is_ok());
    }
}
