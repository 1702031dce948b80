//! Statements: the parser in front of sqlparser, one file a statement.
//!
//! [`parse`] splits a text, bounds its depth, tries the engine's own grammar and then sqlparser's
//! PostgreSQL dialect, and lets through only the statements that are listed here: what is not in
//! [`Kind`] does not run, whatever DataFusion could do with it.

mod array_subquery;
mod catalogs;
mod copy;
mod cursor;
mod depth;
mod expansion;
mod insert;
mod interval;
mod model;
mod names;
mod parse;
mod prepared;
mod query;
mod settings;
mod split;
mod text;
mod transaction;
mod vacuum;
mod view;
mod words;

use std::sync::Arc;

use datafusion::sql::sqlparser::ast;

pub use copy::{CopyFormat, CopyOptions};
pub use parse::parse;

pub(crate) use parse::single_query;

pub(crate) use copy::{Copy, CopyDirection, CopyRelation};
pub(crate) use cursor::{Close, Declare, Fetch, FetchCount};
pub(crate) use model::{AlterModel, CreateModel, DropModel, EvaluateModel, TrainingQuery};
pub(crate) use names::strip_suffix;
pub(crate) use prepared::{Deallocate, Execute, Prepare};
pub(crate) use query::{Explain, Query, Write, WriteKind};
pub(crate) use settings::{Discard, Reset, Set, Show};
pub(crate) use text::sql_text;
pub(crate) use transaction::Transaction;
pub(crate) use vacuum::Vacuum;
pub(crate) use view::{CreateView, DropView};

/// One parsed statement, ready to be prepared.
#[derive(Debug, Clone)]
pub struct Statement {
    text: Arc<str>,
    kind: Kind,
}

/// Every kind of statement that the engine runs.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Query(Query),
    Write(Write),
    Explain(Explain),
    Copy(Copy),
    CreateView(CreateView),
    DropView(DropView),
    CreateModel(CreateModel),
    AlterModel(AlterModel),
    EvaluateModel(EvaluateModel),
    DropModel(DropModel),
    Vacuum(Vacuum),
    Set(Set),
    Show(Show),
    Reset(Reset),
    Discard(Discard),
    Transaction(Transaction),
    Prepare(Prepare),
    Execute(Execute),
    Deallocate(Deallocate),
    Declare(Declare),
    Fetch(Fetch),
    Close(Close),
    /// LISTEN, UNLISTEN and NOTIFY: accepted for clients; nothing is ever sent.
    Notify(&'static str),
}

impl Statement {
    /// The statement as it was written, without the semicolon.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The first words of the command tag: `SELECT`, `INSERT`, `CREATE VIEW`.
    pub fn tag(&self) -> &'static str {
        match &self.kind {
            Kind::Query(_) => "SELECT",
            Kind::Write(write) => write.kind.tag(),
            Kind::Explain(_) => "EXPLAIN",
            Kind::Copy(_) => "COPY",
            Kind::CreateView(_) => "CREATE VIEW",
            Kind::DropView(_) => "DROP VIEW",
            Kind::CreateModel(_) => "CREATE MODEL",
            Kind::EvaluateModel(_) => "EVALUATE MODEL",
            Kind::DropModel(_) => "DROP MODEL",
            Kind::AlterModel(_) => "ALTER MODEL",
            Kind::Vacuum(_) => "VACUUM",
            Kind::Set(_) => "SET",
            Kind::Show(_) => "SHOW",
            Kind::Reset(_) => "RESET",
            Kind::Discard(discard) => discard.tag(),
            Kind::Transaction(transaction) => transaction.tag(),
            Kind::Prepare(_) => "PREPARE",
            Kind::Execute(_) => "EXECUTE",
            Kind::Deallocate(deallocate) => deallocate.tag(),
            Kind::Declare(_) => "DECLARE CURSOR",
            Kind::Fetch(fetch) => fetch.tag(),
            Kind::Close(close) => close.tag(),
            Kind::Notify(tag) => tag,
        }
    }

    /// Whether the statement changes what is stored.
    pub(crate) fn writes(&self) -> bool {
        match &self.kind {
            Kind::Write(_)
            | Kind::CreateView(_)
            | Kind::DropView(_)
            | Kind::CreateModel(_)
            | Kind::AlterModel(_)
            | Kind::DropModel(_)
            | Kind::Vacuum(_) => true,
            Kind::Copy(copy) => copy.direction == CopyDirection::FromClient,
            Kind::Explain(explain) => explain.writes,
            _ => false,
        }
    }

    /// Whether the statement may run in a transaction that has failed: only what ends it.
    pub(crate) fn ends_transaction(&self) -> bool {
        matches!(
            &self.kind,
            Kind::Transaction(
                Transaction::Commit { .. }
                    | Transaction::Rollback { .. }
                    | Transaction::RollbackTo(_)
            )
        )
    }
}

/// A name as the engine keeps it: folded to lower case unless it was quoted.
pub(crate) fn fold(ident: &ast::Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}

/// The folded parts of a qualified name; parts that are no plain names are left out.
pub(crate) fn fold_name(name: &ast::ObjectName) -> Vec<String> {
    name.0
        .iter()
        .filter_map(|part| part.as_ident())
        .map(fold)
        .collect()
}
