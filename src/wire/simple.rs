//! The simple protocol: one text, any number of statements, results in text form.

use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::response::{CommandComplete, EmptyQueryResponse};

use super::connection::Connection;
use super::encode::{Format, Zone};
use super::metrics::Observed;
use super::report::{Failure, Report, state};
use super::rows::{self, Rows};
use crate::session::Outcome;
use crate::statement::Statement;

impl Connection {
    /// Runs the statements of `text` one after the other, up to the first that fails. None runs
    /// where a write is not the last.
    pub(super) async fn simple_query(&mut self, text: &str) -> Result<(), Failure> {
        let statements = self.session.parse(text)?;
        if statements.is_empty() {
            return self.put_empty();
        }
        if let Some(write) = statements.iter().rev().skip(1).find(|s| s.writes()) {
            let message = format!("{} must be the last statement of a query text", write.tag());
            return Err(Report::error(state::FEATURE_NOT_SUPPORTED, message)
                .with_hint(
                    "The statements of one text are one transaction, and a write cannot be undone \
                     when a later one fails: send each write by itself.",
                )
                .into());
        }
        for statement in statements {
            let observed = Observed::start(&self.server.metrics, statement.tag());
            let outcome = self.simple_statement(statement).await;
            observed.finish(&outcome);
            outcome?;
            self.report_settings()?;
        }
        Ok(())
    }

    async fn simple_statement(&mut self, statement: Statement) -> Result<(), Failure> {
        let guard = self.guard();
        let (session, output) = (&self.session, &mut self.output);
        let metrics = &self.server.metrics;
        // COPY FROM STDIN reads from the client, so it runs behind the guard of the rest.
        let copy = guard
            .run(Some(&mut self.input), async {
                let prepared = session.prepare(statement, &[]).await?;
                match session.run(&prepared, Vec::new()).await? {
                    Outcome::Rows {
                        schema,
                        stream,
                        tag,
                    } => {
                        let formats = vec![Format::Text; schema.fields().len()];
                        output.put(&rows::description(Some(&schema), &formats))?;
                        let mut rows = Rows::new(schema, stream, formats, zone(session));
                        let sent = rows.send(None, output).await?;
                        metrics.rows_sent.inc_by(sent.rows);
                        output.put(&complete(format!("{tag} {}", sent.rows)))?;
                    }
                    Outcome::Done { tag } => output.put(&complete(tag))?,
                    Outcome::Empty => output.put(&empty())?,
                    Outcome::CopyOut {
                        schema,
                        stream,
                        options,
                    } => {
                        let zone = zone(session);
                        let rows =
                            super::copy::send(schema, stream, &options, zone, output).await?;
                        metrics.rows_sent.inc_by(rows);
                    }
                    Outcome::CopyIn(target) => return Ok(Some(target)),
                }
                Ok(None)
            })
            .await?;
        match copy {
            Some(target) => self.copy_in(*target, &guard).await,
            None => Ok(()),
        }
    }

    /// What may stop a statement that starts now.
    pub(super) fn guard(&self) -> super::guard::Guard {
        let guard = super::guard::Guard::new(
            self.backend.begin(),
            self.server.killed.clone(),
            self.session.statement_timeout(),
        );
        let tokens = [guard.cancelled.clone(), guard.killed.clone()];
        let handle = self.session.cancel_handle();
        handle.stops_by(tokens, guard.deadline);
        guard
    }

    /// The answer to a text without statements.
    pub(super) fn put_empty(&mut self) -> Result<(), Failure> {
        self.output.put(&empty())
    }
}

/// The message that ends a statement.
pub(super) fn complete(tag: String) -> PgWireBackendMessage {
    PgWireBackendMessage::CommandComplete(CommandComplete::new(tag))
}

fn empty() -> PgWireBackendMessage {
    PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new())
}

/// The time zone in which a session reads instants.
pub(super) fn zone(session: &crate::session::Session) -> Zone {
    session
        .setting("TimeZone")
        .as_deref()
        .and_then(Zone::parse)
        .unwrap_or(Zone::UTC)
}
