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
mod model;
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

use std::collections::{HashMap, HashSet};
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
use crate::error::{Error, sqlstate};
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
    /// Whether the caller keeps the time limit of statements.
    caller_limits: bool,
}

/// What changes while a session lives.
#[derive(Default)]
struct Inner {
    block: Option<Block>,
    prepared: HashMap<String, Prepared>,
    /// Names of statements that the caller keeps, see [`Session::name_statement`].
    named: HashSet<String>,
    /// Those of them that were deallocated.
    freed: Vec<String>,
    cursors: HashMap<String, Arc<tokio::sync::Mutex<Cursor>>>,
}

impl Inner {
    /// Frees the statements that the caller keeps.
    fn free_all(&mut self) {
        self.freed.extend(self.named.drain());
    }
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
            caller_limits: false,
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
                sqlstate::SYNTAX_ERROR,
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
        self.variables.settings().limit("statement_timeout")
    }

    /// How long the session may wait for its next statement, with the SQLSTATE of its end; `None`
    /// for no limit.
    pub fn idle_timeout(&self) -> Option<(std::time::Duration, &'static str)> {
        let (name, state) = match self.transaction() {
            TransactionState::Idle => ("idle_session_timeout", sqlstate::IDLE_SESSION_TIMEOUT),
            _ => (
                "idle_in_transaction_session_timeout",
                sqlstate::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            ),
        };
        Some((self.variables.settings().limit(name)?, state))
    }

    /// Leaves the time limit of statements to the caller, which starts it anew for each portion
    /// that a client takes of a result.
    #[must_use]
    pub fn with_limits_of_the_caller(mut self) -> Self {
        self.caller_limits = true;
        self
    }

    /// The time limit that the session itself keeps.
    fn own_limit(&self) -> Option<std::time::Duration> {
        match self.caller_limits {
            true => None,
            false => self.statement_timeout(),
        }
    }

    /// Makes a name of the protocol's prepared statements known, so that DEALLOCATE finds it.
    pub fn name_statement(&self, name: &str) {
        self.inner.lock().named.insert(name.to_owned());
    }

    /// The names that DEALLOCATE and DISCARD have freed since the last call: the caller drops the
    /// protocol's statements of these names.
    pub fn take_freed_statements(&self) -> Vec<String> {
        std::mem::take(&mut self.inner.lock().freed)
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
