//! What a client is told when something fails.

use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::response::ErrorResponse;

use super::encode::EncodeError;
use crate::Error;

/// How bad it is: whether the connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// The statement failed; the connection goes on.
    Error,
    /// The connection ends after this report.
    Fatal,
}

/// An error as it is sent to a client.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) severity: Severity,
    /// Five-character SQLSTATE.
    pub(crate) state: &'static str,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// Where in the data it happened, such as a line of a COPY.
    pub(crate) context: Option<String>,
}

impl Report {
    /// A failed statement.
    pub(crate) fn error(state: &'static str, message: impl Into<String>) -> Report {
        Report {
            severity: Severity::Error,
            state,
            message: message.into(),
            hint: None,
            context: None,
        }
    }

    /// The end of the connection.
    pub(crate) fn fatal(state: &'static str, message: impl Into<String>) -> Report {
        Report {
            severity: Severity::Fatal,
            ..Report::error(state, message)
        }
    }

    /// A message that breaks the protocol.
    pub(crate) fn protocol(message: impl Into<String>) -> Report {
        Report::error(state::PROTOCOL_VIOLATION, message)
    }

    /// The same with what to do about it.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Report {
        self.hint = Some(hint.into());
        self
    }

    /// The same with where in the data it happened.
    pub(crate) fn with_context(mut self, context: impl Into<String>) -> Report {
        self.context = Some(context.into());
        self
    }

    /// The message that is sent.
    pub(crate) fn message(&self) -> PgWireBackendMessage {
        let severity = match self.severity {
            Severity::Error => "ERROR",
            Severity::Fatal => "FATAL",
        };
        // A zero byte would end the field on the wire.
        let clean = |text: &str| text.replace('\0', "\u{fffd}");
        let mut fields = vec![
            (b'S', severity.to_owned()),
            (b'V', severity.to_owned()),
            (b'C', self.state.to_owned()),
            (b'M', clean(&self.message)),
        ];
        fields.extend(self.hint.as_deref().map(|hint| (b'H', clean(hint))));
        fields.extend(
            self.context
                .as_deref()
                .map(|context| (b'W', clean(context))),
        );
        PgWireBackendMessage::ErrorResponse(ErrorResponse::new(fields))
    }
}

impl From<Error> for Report {
    fn from(error: Error) -> Report {
        Report {
            hint: error.hint().map(str::to_owned),
            ..Report::error(error.sqlstate(), error.to_string())
        }
    }
}

impl From<EncodeError> for Report {
    fn from(error: EncodeError) -> Report {
        let state = match error {
            EncodeError::OutOfRange { .. } => "22003",
            EncodeError::Cast { .. } | EncodeError::Unsupported(_) => "0A000",
        };
        Report::error(state, error.to_string())
    }
}

/// Why the work of a connection stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The client is to be told.
    Report(Report),
    /// The client has gone, or cannot be reached.
    Gone,
}

impl<E: Into<Report>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::Report(error.into())
    }
}

/// SQLSTATEs that arise in the protocol rather than in a statement.
pub(crate) mod state {
    pub(crate) const ADMIN_SHUTDOWN: &str = "57P01";
    pub(crate) const FEATURE_NOT_SUPPORTED: &str = "0A000";
    pub(crate) const BAD_COPY_FILE_FORMAT: &str = "22P04";
    pub(crate) const CHARACTER_NOT_IN_REPERTOIRE: &str = "22021";
    pub(crate) const INVALID_AUTHORIZATION: &str = "28000";
    pub(crate) const INVALID_BINARY_REPRESENTATION: &str = "22P03";
    pub(crate) const INVALID_CURSOR_NAME: &str = "34000";
    pub(crate) const INVALID_PASSWORD: &str = "28P01";
    pub(crate) const INVALID_STATEMENT_NAME: &str = "26000";
    pub(crate) const INVALID_TEXT_REPRESENTATION: &str = "22P02";
    pub(crate) const PROTOCOL_VIOLATION: &str = "08P01";
    pub(crate) const QUERY_CANCELED: &str = "57014";
    pub(crate) const TOO_MANY_CONNECTIONS: &str = "53300";
}
