//! BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE.
//!
//! A block reads one snapshot of the lake. Writes in a block are refused (SQLSTATE 0A000): they
//! could not be undone by its ROLLBACK.

use datafusion::sql::sqlparser::ast;

use super::fold;

/// A statement that opens, marks or ends a transaction block.
#[derive(Debug, Clone)]
pub(crate) enum Transaction {
    Begin {
        /// `START TRANSACTION` has an own tag.
        start: bool,
        read_only: Option<bool>,
    },
    Commit {
        chain: bool,
    },
    Rollback {
        chain: bool,
    },
    RollbackTo(String),
    Savepoint(String),
    Release(String),
}

impl Transaction {
    pub(crate) fn tag(&self) -> &'static str {
        match self {
            Transaction::Begin { start: true, .. } => "START TRANSACTION",
            Transaction::Begin { .. } => "BEGIN",
            Transaction::Commit { .. } => "COMMIT",
            Transaction::Rollback { .. } | Transaction::RollbackTo(_) => "ROLLBACK",
            Transaction::Savepoint(_) => "SAVEPOINT",
            Transaction::Release(_) => "RELEASE",
        }
    }

    pub(super) fn begin(modes: &[ast::TransactionMode], begin: bool) -> Self {
        let read_only = modes.iter().rev().find_map(|mode| match mode {
            ast::TransactionMode::AccessMode(access) => {
                Some(matches!(access, ast::TransactionAccessMode::ReadOnly))
            }
            ast::TransactionMode::IsolationLevel(_) => None,
        });
        Transaction::Begin {
            start: !begin,
            read_only,
        }
    }

    pub(super) fn rollback(chain: bool, savepoint: Option<&ast::Ident>) -> Self {
        match savepoint {
            Some(name) => Transaction::RollbackTo(fold(name)),
            None => Transaction::Rollback { chain },
        }
    }
}
