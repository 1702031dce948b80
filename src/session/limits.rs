//! Ends a statement that was cancelled or took too long: SQLSTATE 57014.
//!
//! A stream that ends this way drops the plan under it, and with it the tasks that run it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions, new_null_array};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::error::Result;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream};
use futures::Stream;
use parking_lot::Mutex;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::error::{Error, sqlstate};

/// Cancels the statement that a session runs.
#[derive(Debug, Clone, Default)]
pub struct CancelHandle {
    current: Arc<Mutex<Limits>>,
    /// What the caller of the session stops its statement by.
    callers: Arc<Mutex<Vec<Limits>>>,
}

impl CancelHandle {
    /// Cancels the statement that runs now, if one does.
    pub fn cancel(&self) {
        self.current.lock().token.cancel();
    }

    /// Whether the statement that runs now is to end.
    pub(super) fn is_over(&self) -> bool {
        self.current.lock().are_over() || self.callers.lock().iter().any(Limits::are_over)
    }

    /// Tells by what the caller stops the statement that runs now: it drops the statement then, which
    /// a call that works on a thread does not notice.
    pub(crate) fn stops_by(
        &self,
        tokens: impl IntoIterator<Item = CancellationToken>,
        deadline: Option<Instant>,
    ) {
        let limits = |token| Limits { token, deadline };
        *self.callers.lock() = tokens.into_iter().map(limits).collect();
    }

    /// Starts a statement: what was cancelled before does not concern it.
    pub(super) fn start(&self, timeout: Option<std::time::Duration>) -> Limits {
        let limits = Limits {
            token: CancellationToken::new(),
            deadline: timeout.map(|limit| Instant::now() + limit),
        };
        *self.current.lock() = limits.clone();
        limits
    }
}

/// When one statement is to end.
#[derive(Debug, Clone, Default)]
pub(super) struct Limits {
    token: CancellationToken,
    deadline: Option<Instant>,
}

fn cancelled() -> Error {
    Error::statement(
        sqlstate::QUERY_CANCELED,
        "canceling statement due to user request",
    )
}

fn timed_out() -> Error {
    Error::statement(
        sqlstate::QUERY_CANCELED,
        "canceling statement due to statement timeout",
    )
}

impl Limits {
    fn are_over(&self) -> bool {
        let is_late = |deadline| Instant::now() >= deadline;
        self.token.is_cancelled() || self.deadline.is_some_and(is_late)
    }

    async fn expire(&self) {
        match self.deadline {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    }

    /// Runs a future until it ends or the statement is to end.
    pub(super) async fn guard<T>(
        &self,
        future: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            () = self.token.cancelled() => Err(cancelled()),
            () = self.expire() => Err(timed_out()),
            result = future => result,
        }
    }

    /// A stream that ends with an error when the statement is to end.
    pub(super) fn stream(
        &self,
        schema: SchemaRef,
        inner: SendableRecordBatchStream,
    ) -> SendableRecordBatchStream {
        Box::pin(LimitedStream {
            schema,
            inner: Some(inner),
            cancelled: Box::pin(self.token.clone().cancelled_owned()),
            expired: self
                .deadline
                .map(|deadline| Box::pin(tokio::time::sleep_until(deadline))),
        })
    }
}

struct LimitedStream {
    schema: SchemaRef,
    /// `None` once the stream has ended.
    inner: Option<SendableRecordBatchStream>,
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
    expired: Option<Pin<Box<Sleep>>>,
}

impl Stream for LimitedStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.inner.is_none() {
            return Poll::Ready(None);
        }
        if self.cancelled.as_mut().poll(cx).is_ready() {
            self.inner = None;
            return Poll::Ready(Some(Err(cancelled().into())));
        }
        if let Some(expired) = &mut self.expired
            && expired.as_mut().poll(cx).is_ready()
        {
            self.inner = None;
            return Poll::Ready(Some(Err(timed_out().into())));
        }
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        match inner.as_mut().poll_next(cx) {
            Poll::Ready(Some(Ok(batch))) => {
                // Names may repeat in the result and may not in the plan.
                Poll::Ready(Some(renamed(&self.schema, &batch)))
            }
            Poll::Ready(other) => {
                self.inner = None;
                Poll::Ready(other)
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// The same columns under the names of another schema; untyped NULLs become its type.
pub(super) fn renamed(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| match column.data_type() {
            DataType::Null => new_null_array(field.data_type(), column.len()),
            _ => Arc::clone(column),
        })
        .collect();
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}

impl RecordBatchStream for LimitedStream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
