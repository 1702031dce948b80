//! What stops a running statement: a cancel request, the time limit, a client that has gone, the
//! end of the server.
//!
//! The statement's future is dropped then, and with it its plan's streams and tasks.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::channel::Input;
use super::report::{Failure, Report, state};

/// What may stop one statement.
pub(super) struct Guard {
    /// Fired by a cancel request.
    pub(super) cancelled: CancellationToken,
    /// Fired when the server no longer waits for running statements.
    pub(super) killed: CancellationToken,
    /// When the statement's time is over.
    pub(super) deadline: Option<tokio::time::Instant>,
}

impl Guard {
    /// A guard for a statement that starts now.
    pub(super) fn new(
        cancelled: CancellationToken,
        killed: CancellationToken,
        limit: Option<Duration>,
    ) -> Guard {
        let deadline = limit.and_then(|limit| tokio::time::Instant::now().checked_add(limit));
        Guard {
            cancelled,
            killed,
            deadline,
        }
    }

    /// Runs `work` while nothing stops it. `input` is watched for the end of the connection; it is
    /// `None` where the work itself reads from the client.
    pub(super) async fn run<T>(
        &self,
        input: Option<&mut Input>,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let gone = async {
            match input {
                Some(input) => input.gone().await,
                None => std::future::pending().await,
            }
        };
        let late = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.killed.cancelled() => Err(Report::fatal(
                state::ADMIN_SHUTDOWN,
                "terminating connection due to administrator command",
            ).into()),
            () = self.cancelled.cancelled() => Err(Report::error(
                state::QUERY_CANCELED,
                "canceling statement due to user request",
            ).into()),
            () = late => Err(Report::error(
                state::QUERY_CANCELED,
                "canceling statement due to statement timeout",
            ).into()),
            () = gone => Err(Failure::Gone),
            outcome = work => outcome,
        }
    }
}
