//! The sessions of a graph: one runs one text at a time, so there is one for each thread that asks,
//! up to the number of cores.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use ort::session::Session;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::{OnnxError, runtime};

pub(super) struct Sessions {
    most: usize,
    pool: Mutex<Pool>,
    /// A session came back, or one could not be made.
    returned: Condvar,
}

struct Pool {
    idle: Vec<Session>,
    made: usize,
    /// The graph, until as many sessions are made as there may be.
    graph: Option<Arc<[u8]>>,
}

/// A session on loan; it goes back when it is dropped.
struct Loan<'a> {
    sessions: &'a Sessions,
    session: Option<Session>,
}

impl Sessions {
    /// The sessions of a graph; the first one is made at once, so that a graph that cannot be run
    /// is told.
    pub(super) fn new(graph: Arc<[u8]>) -> Result<Sessions, OnnxError> {
        let first = session(&graph)?;
        let most = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Sessions {
            most,
            pool: Mutex::new(Pool {
                idle: vec![first],
                made: 1,
                graph: (most > 1).then_some(graph),
            }),
            returned: Condvar::new(),
        })
    }

    /// Works with a session of this thread's own; waits where all are at work.
    ///
    /// A thread of an asynchronous runtime tells the runtime first: other tasks go on elsewhere.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, OnnxError>,
    ) -> Result<T, OnnxError> {
        let work = || {
            let mut loan = self.borrow()?;
            match &mut loan.session {
                Some(session) => work(session),
                None => Err(OnnxError::Runtime("a session is gone".to_owned())),
            }
        };
        let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
        match flavor {
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
            _ => work(),
        }
    }

    fn borrow(&self) -> Result<Loan<'_>, OnnxError> {
        let mut pool = self.pool();
        loop {
            if let Some(session) = pool.idle.pop() {
                return Ok(self.loan(session));
            }
            if pool.made < self.most
                && let Some(graph) = pool.graph.clone()
            {
                pool.made += 1;
                if pool.made == self.most {
                    pool.graph = None;
                }
                drop(pool);
                return match session(&graph) {
                    Ok(session) => Ok(self.loan(session)),
                    Err(error) => {
                        let mut pool = self.pool();
                        pool.made -= 1;
                        pool.graph = Some(graph);
                        self.returned.notify_one();
                        Err(error)
                    }
                };
            }
            pool = self
                .returned
                .wait(pool)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn loan(&self, session: Session) -> Loan<'_> {
        Loan {
            sessions: self,
            session: Some(session),
        }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.sessions.pool().idle.push(session);
            self.sessions.returned.notify_one();
        }
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Sessions")
            .field("most", &self.most)
            .field("made", &self.pool().made)
            .finish_non_exhaustive()
    }
}

/// One thread each: the parallelism is that of the texts, and a text gives the same numbers on
/// every machine with the same processor.
fn session(graph: &[u8]) -> Result<Session, OnnxError> {
    let environment = runtime::environment()?;
    let unfit = |error: ort::Error| OnnxError::Unfit(format!("the graph cannot be used: {error}"));
    let builder = Session::builder(&environment).map_err(unfit)?;
    let builder = builder
        .with_intra_threads(1)
        .map_err(|error| unfit(error.into()))?;
    let mut builder = builder
        .with_inter_threads(1)
        .map_err(|error| unfit(error.into()))?;
    builder.commit_from_memory(graph).map_err(unfit)
}
