//! Sessions: one per connection, with its own settings, transaction, prepared statements and
//! cursors. Everything that runs SQL, in process or over the wire, runs it here.

mod context;
mod cooperative;
mod copy;
mod cursor;
mod explain;
mod functions;
mod late;
mod limits;
mod outcome;
mod parameters;
pub(crate) mod pg_catalog;
mod plan;
mod prepared;
mod rounding;
mod run;
mod settings;
mod transaction;
mod variables;
mod view;

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::execution::SessionState;
use parking_lot::Mutex;

pub use limits::CancelHandle;
pub use outcome::{CopyTarget, Outcome};
pub use prepared::Prepared;
pub use settings::{SERVER_VERSION, Scope, Settings};
pub use transaction::TransactionState;

pub(crate) use context::{BUILT_IN_SCHEMA, DATABASE, USER_SCHEMA, config};
pub(crate) use cooperative::install as install_cooperative;
pub(crate) use functions::register as register_functions;
pub(crate) use rounding::install as install_rounding;
pub(crate) use variables::Variables;

use crate::engine::Engine;
use crate::error::Error;
use crate::govern::Principal;
use crate::statement::{self, Statement};
use cursor::Cursor;
use transaction::Block;

/// One connection's view of the engine.
///
/// Statements of one session run one after the other; a caller may hold several sessions.
pub struct Session {
    engine: Arc<Engine>,
    principal: Principal,
    variables: Arc<Variables>,
    /// The planner's state with this session's settings; cloned for each statement.
    base: Mutex<SessionState>,
    inner: Mutex<Inner>,
    cancel: CancelHandle,
}

/// What changes while a session lives.
#[derive(Default)]
struct Inner {
    block: Option<Block>,
    prepared: HashMap<String, Prepared>,
    cursors: HashMap<String, Arc<tokio::sync::Mutex<Cursor>>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("user", &self.variables.user())
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(crate) fn new(
        engine: Arc<Engine>,
        principal: Principal,
        variables: Variables,
    ) -> Result<Self, Error> {
        let variables = Arc::new(variables);
        let base = context::session_state(engine.template(), &variables)?;
        Ok(Session {
            engine,
            principal,
            variables,
            base: Mutex::new(base),
            inner: Mutex::default(),
            cancel: CancelHandle::default(),
        })
    }

    /// The engine that the session belongs to.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The user that the session acts as.
    pub fn user(&self) -> &str {
        self.variables.user()
    }

    /// Splits and parses a text of any number of statements.
    ///
    /// # Errors
    /// As [`statement::parse`].
    pub fn parse(&self, sql: &str) -> Result<Vec<Statement>, Error> {
        statement::parse(sql)
    }

    /// Parses, prepares and runs a single statement without parameters.
    ///
    /// # Errors
    /// As [`Session::prepare`] and [`Session::run`]; SQLSTATE 42601 for several statements.
    pub async fn execute(&self, sql: &str) -> Result<Outcome, Error> {
        let mut statements = self.parse(sql)?;
        match (statements.pop(), statements.is_empty()) {
            (None, _) => Ok(Outcome::Empty),
            (Some(statement), true) => {
                let prepared = self.prepare(statement, &[]).await?;
                self.run(&prepared, Vec::new()).await
            }
            (Some(_), false) => Err(Error::statement(
                crate::error::sqlstate::SYNTAX_ERROR,
                "one statement was expected, there are several",
            )),
        }
    }

    /// A handle that cancels the statement that runs, from another task.
    pub fn cancel_handle(&self) -> CancelHandle {
        self.cancel.clone()
    }

    /// The value of a setting; `None` where there is none of that name.
    pub fn setting(&self, name: &str) -> Option<String> {
        self.variables.settings().get(name).ok()
    }

    /// The settings that a client is told of when it connects.
    pub fn reported_settings(&self) -> Vec<(String, String)> {
        self.variables.settings().reported()
    }

    /// The reported settings that changed since the last call.
    pub fn take_changed_settings(&self) -> Vec<(String, String)> {
        self.variables.settings().take_changed()
    }

    /// How long a statement may run; `None` for no limit.
    pub fn statement_timeout(&self) -> Option<std::time::Duration> {
        self.variables.settings().statement_timeout()
    }

    /// Sets the number that `pg_backend_pid()` returns.
    pub fn set_backend_pid(&self, pid: i32) {
        self.variables.set_pid(pid);
    }

    /// Marks an open transaction as failed, for an error that arose outside of this session.
    pub fn fail(&self) {
        self.mark_failed();
    }

    /// Whether the session is in a transaction block, and whether that has failed.
    pub fn transaction(&self) -> TransactionState {
        match &self.inner.lock().block {
            None => TransactionState::Idle,
            Some(block) if block.failed => TransactionState::Failed,
            Some(_) => TransactionState::Open,
        }
    }
}
