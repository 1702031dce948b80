//! Cursors: a query that is read piece by piece.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tokio::sync::Mutex;

use super::{Outcome, Prepared, Session, TransactionState};
use crate::error::{Error, sqlstate};
use crate::statement::{Close, Declare, Fetch, FetchCount};

/// An open cursor: its rows that are still to come.
pub(super) struct Cursor {
    schema: SchemaRef,
    stream: SendableRecordBatchStream,
    /// Rows of a batch that a FETCH took only a part of.
    rest: Option<RecordBatch>,
    hold: bool,
    /// Whether the transaction that declared a held cursor is still open.
    declared_in_block: bool,
}

impl Cursor {
    /// Whether the cursor outlives the end of a transaction.
    pub(super) fn survives(&self, rolled_back: bool) -> bool {
        self.hold && !(rolled_back && self.declared_in_block)
    }

    async fn take(&mut self, count: FetchCount) -> Result<Vec<RecordBatch>, Error> {
        let mut wanted = match count {
            FetchCount::Rows(rows) => usize::try_from(rows).unwrap_or(usize::MAX),
            FetchCount::All => usize::MAX,
        };
        let mut batches = Vec::new();
        while wanted > 0 {
            let batch = match self.rest.take() {
                Some(batch) => batch,
                None => match self.stream.next().await {
                    Some(batch) => batch?,
                    None => break,
                },
            };
            if batch.num_rows() > wanted {
                self.rest = Some(batch.slice(wanted, batch.num_rows() - wanted));
                batches.push(batch.slice(0, wanted));
                break;
            }
            wanted -= batch.num_rows();
            batches.push(batch);
        }
        Ok(batches)
    }
}

fn no_cursor(name: &str) -> Error {
    Error::statement(
        sqlstate::INVALID_CURSOR_NAME,
        format!("cursor \"{name}\" does not exist"),
    )
}

impl Session {
    pub(super) async fn run_declare(
        &self,
        declare: &Declare,
        prepared: &Prepared,
        parameters: Vec<ScalarValue>,
    ) -> Result<Outcome, Error> {
        if !declare.hold && self.transaction() == TransactionState::Idle {
            return Err(Error::statement(
                sqlstate::NO_ACTIVE_SQL_TRANSACTION,
                "DECLARE CURSOR can only be used in transaction blocks",
            )
            .with_hint("WITH HOLD declares a cursor that needs none."));
        }
        if self.inner.lock().cursors.contains_key(&declare.name) {
            return Err(Error::statement(
                sqlstate::DUPLICATE_CURSOR,
                format!("cursor \"{}\" already exists", declare.name),
            ));
        }
        // Its rows are read by later statements, each with its own time limit.
        let (schema, stream) = self.open(prepared, parameters).await?;
        let cursor = Cursor {
            schema,
            stream,
            rest: None,
            hold: declare.hold,
            declared_in_block: self.transaction() != TransactionState::Idle,
        };
        self.inner
            .lock()
            .cursors
            .insert(declare.name.clone(), Arc::new(Mutex::new(cursor)));
        Ok(Outcome::done("DECLARE CURSOR"))
    }

    fn cursor(&self, name: &str) -> Result<Arc<Mutex<Cursor>>, Error> {
        let cursor = self.inner.lock().cursors.get(name).cloned();
        cursor.ok_or_else(|| no_cursor(name))
    }

    /// The columns of a cursor, for its own description and that of a FETCH.
    ///
    /// # Errors
    /// SQLSTATE 34000 where no cursor has that name.
    pub(crate) async fn cursor_schema(&self, name: &str) -> Result<SchemaRef, Error> {
        Ok(Arc::clone(&self.cursor(name)?.lock().await.schema))
    }

    pub(super) async fn run_fetch(&self, fetch: &Fetch) -> Result<Outcome, Error> {
        let cursor = self.cursor(&fetch.name)?;
        let mut cursor = cursor.lock().await;
        let batches = cursor.take(fetch.count).await?;
        if fetch.skip {
            let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
            return Ok(Outcome::done(format!("MOVE {rows}")));
        }
        let schema = Arc::clone(&cursor.schema);
        Ok(Outcome::Rows {
            stream: super::run::memory_stream(Arc::clone(&schema), batches),
            schema,
            tag: "FETCH",
        })
    }

    pub(super) fn run_close(&self, close: &Close) -> Result<Outcome, Error> {
        let mut inner = self.inner.lock();
        match &close.name {
            None => inner.cursors.clear(),
            Some(name) => {
                if inner.cursors.remove(name).is_none() {
                    return Err(no_cursor(name));
                }
            }
        }
        Ok(Outcome::done(close.tag()))
    }
}
