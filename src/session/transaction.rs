//! Transaction blocks: reads of one snapshot; writes are refused, since ROLLBACK could not undo
//! them.

use std::sync::Arc;

use super::{Outcome, Session};
use crate::error::{Error, sqlstate};
use crate::lake::SnapshotPins;
use crate::session::Scope;
use crate::statement::{Statement, Transaction};

/// Whether a session is in a transaction block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionState {
    /// Outside of a block: each statement is its own transaction.
    Idle,
    /// In a block.
    Open,
    /// In a block where a statement failed: only its end runs.
    Failed,
}

/// An open block.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) failed: bool,
    /// The snapshots that the block reads.
    pub(super) pins: Arc<SnapshotPins>,
    /// Names of the savepoints, outermost first.
    savepoints: Vec<String>,
}

impl Session {
    /// Refuses what may not run in the state that the session is in.
    pub(super) fn check_block(&self, statement: &Statement) -> Result<(), Error> {
        let failed = self.transaction() == TransactionState::Failed;
        if failed && !statement.ends_transaction() {
            return Err(Error::statement(
                sqlstate::IN_FAILED_SQL_TRANSACTION,
                "current transaction is aborted, commands ignored until end of transaction block",
            ));
        }
        Ok(())
    }

    /// Refuses a write in a block, or where the session's transactions are read-only.
    pub(super) fn check_write(&self, what: &str) -> Result<(), Error> {
        let settings = self.variables.settings();
        let on = |name: &str| settings.get(name).is_ok_and(|value| value == "on");
        if on("transaction_read_only") || on("default_transaction_read_only") {
            return Err(Error::statement(
                sqlstate::READ_ONLY_SQL_TRANSACTION,
                format!("cannot execute {what} in a read-only transaction"),
            ));
        }
        drop(settings);
        if self.transaction() == TransactionState::Idle {
            return Ok(());
        }
        Err(Error::statement(
            sqlstate::FEATURE_NOT_SUPPORTED,
            format!("{what} cannot run in a transaction block"),
        )
        .with_hint("Every write is its own durable transaction: run it outside of BEGIN … COMMIT."))
    }

    /// Called when a statement failed: a block around it has failed too.
    pub(super) fn mark_failed(&self) {
        if let Some(block) = &mut self.inner.lock().block {
            block.failed = true;
        }
    }

    pub(super) fn run_transaction(&self, transaction: &Transaction) -> Result<Outcome, Error> {
        match transaction {
            Transaction::Begin { read_only, .. } => {
                self.begin();
                if let Some(read_only) = read_only {
                    let value = if *read_only { "on" } else { "off" };
                    let mut settings = self.variables.settings();
                    settings.set("transaction_read_only", value, Scope::Local)?;
                }
            }
            Transaction::Commit { chain } => {
                let failed = self.transaction() == TransactionState::Failed;
                self.end(failed, *chain);
                if failed {
                    return Ok(Outcome::done("ROLLBACK"));
                }
            }
            Transaction::Rollback { chain } => self.end(true, *chain),
            Transaction::Savepoint(name) => {
                self.in_block("SAVEPOINT", |block| {
                    block.savepoints.push(name.clone());
                    Ok(())
                })?;
            }
            Transaction::Release(name) => self.in_block("RELEASE SAVEPOINT", |block| {
                let at = savepoint(block, name)?;
                block.savepoints.truncate(at);
                Ok(())
            })?,
            Transaction::RollbackTo(name) => self.in_block("ROLLBACK TO SAVEPOINT", |block| {
                // Nothing was written, so that there is nothing to undo but the failure.
                let at = savepoint(block, name)?;
                block.savepoints.truncate(at + 1);
                block.failed = false;
                Ok(())
            })?,
        }
        Ok(Outcome::done(transaction.tag()))
    }

    fn begin(&self) {
        let mut inner = self.inner.lock();
        if inner.block.is_none() {
            inner.block = Some(Block::default());
            self.variables.settings().begin();
        }
    }

    fn end(&self, rolled_back: bool, chain: bool) {
        {
            let mut inner = self.inner.lock();
            inner.block = None;
            inner.cursors.retain(|_, cursor| {
                cursor
                    .try_lock()
                    .is_ok_and(|cursor| cursor.survives(rolled_back))
            });
        }
        self.variables.settings().end(rolled_back);
        if chain {
            self.begin();
        }
    }

    fn in_block(
        &self,
        what: &str,
        change: impl FnOnce(&mut Block) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match &mut self.inner.lock().block {
            Some(block) => change(block),
            None => Err(Error::statement(
                sqlstate::NO_ACTIVE_SQL_TRANSACTION,
                format!("{what} can only be used in transaction blocks"),
            )),
        }
    }
}

fn savepoint(block: &Block, name: &str) -> Result<usize, Error> {
    block
        .savepoints
        .iter()
        .rposition(|savepoint| savepoint == name)
        .ok_or_else(|| {
            Error::statement(
                sqlstate::INVALID_SAVEPOINT,
                format!("savepoint \"{name}\" does not exist"),
            )
        })
}
