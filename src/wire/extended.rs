//! The extended protocol: statements are prepared, bound to parameters as portals, and run in
//! portions.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::data::ParameterDescription;
use pgwire::messages::extendedquery::{
    Bind, BindComplete, Close, CloseComplete, Describe, Execute, Parse, ParseComplete,
    PortalSuspended,
};
use postgres_types::Type;

use super::connection::Connection;
use super::decode;
use super::encode::Format;
use super::metrics::Observed;
use super::report::{Failure, Report, state};
use super::rows::{self, Rows};
use super::simple::{complete, zone};
use super::types::{data_type, parameter_type};
use crate::session::{Outcome, Prepared, TransactionState};

/// The byte by which Describe and Close name a statement; `P` names a portal.
const STATEMENT: u8 = b'S';

/// A prepared statement.
pub(super) struct Stored {
    /// `None` for a text without statements.
    prepared: Option<Prepared>,
    /// The types of the parameters as the client knows them.
    parameters: Vec<Type>,
}

/// A statement bound to its parameters.
pub(super) struct Portal {
    stored: Arc<Stored>,
    parameters: Vec<ScalarValue>,
    formats: Vec<Format>,
    state: PortalState,
}

enum PortalState {
    /// Not run yet.
    Bound,
    /// Paused between two rows; with the first word of its command tag.
    Paused(Box<Rows>, &'static str),
    /// Run to its end; with the first word of its command tag.
    Finished(&'static str),
}

impl Connection {
    pub(super) async fn parse(&mut self, parse: Parse) -> Result<(), Failure> {
        let name = parse.name.unwrap_or_default();
        if !name.is_empty() && self.statements.contains_key(&name) {
            let message = format!("prepared statement \"{name}\" already exists");
            return Err(Report::error("42P05", message).into());
        }
        let mut statements = self.session.parse(&parse.query)?;
        if statements.len() > 1 {
            let message = "cannot insert multiple commands into a prepared statement";
            return Err(Report::error("42601", message).into());
        }
        // An object identifier that is not known, such as `unknown` itself, leaves the type open.
        let declared: Vec<Option<Type>> = parse
            .type_oids
            .iter()
            .map(|oid| Type::from_oid(*oid))
            .collect();
        let stored = match statements.pop() {
            None => Stored {
                prepared: None,
                parameters: Vec::new(),
            },
            Some(statement) => {
                let arrow: Vec<_> = declared
                    .iter()
                    .map(|declared| declared.as_ref().and_then(parameter_type))
                    .collect();
                let guard = self.guard();
                let session = &self.session;
                let prepared = guard
                    .run(Some(&mut self.input), async {
                        Ok(session.prepare(statement, &arrow).await?)
                    })
                    .await?;
                let parameters = prepared.parameters().iter().enumerate();
                let parameters = parameters
                    .map(|(nth, arrow)| match declared.get(nth) {
                        Some(Some(of)) if parameter_type(of).is_some() => of.clone(),
                        _ => data_type(arrow),
                    })
                    .collect();
                Stored {
                    prepared: Some(prepared),
                    parameters,
                }
            }
        };
        if !name.is_empty() {
            self.session.name_statement(&name);
        }
        self.statements.insert(name, Arc::new(stored));
        self.output
            .put(&PgWireBackendMessage::ParseComplete(ParseComplete::new()))
    }

    pub(super) fn bind(&mut self, bind: Bind) -> Result<(), Failure> {
        let stored = self.statement(bind.statement_name.as_deref())?.clone();
        let name = bind.portal_name.unwrap_or_default();
        if self.portals.contains_key(&name) && !name.is_empty() {
            return Err(Report::error("42P03", format!("portal \"{name}\" already exists")).into());
        }
        let wanted = stored.parameters.len();
        if bind.parameters.len() != wanted {
            return Err(Report::protocol(format!(
                "bind message supplies {} parameters, but prepared statement \"{}\" requires {wanted}",
                bind.parameters.len(),
                bind.statement_name.unwrap_or_default(),
            ))
            .into());
        }
        let zone = zone(&self.session);
        let formats = rows::formats(&bind.parameter_format_codes, wanted)?;
        let parameters = stored
            .parameters
            .iter()
            .zip(&bind.parameters)
            .zip(formats)
            .enumerate()
            .map(|(nth, ((of, bytes), format))| {
                decode::value(of, format, bytes.as_deref(), zone).map_err(|report| {
                    report.with_context(format!("parameter ${} of the statement", nth + 1))
                })
            })
            .collect::<Result<Vec<_>, Report>>()?;
        let schema = stored.prepared.as_ref().and_then(Prepared::schema);
        let columns = schema.map_or(0, |schema| schema.fields().len());
        let formats = match columns {
            // Clients ask for a format whether or not there are rows.
            0 => Vec::new(),
            columns => rows::formats(&bind.result_column_format_codes, columns)?,
        };
        let portal = Portal {
            stored,
            parameters,
            formats,
            state: PortalState::Bound,
        };
        self.portals.insert(name, portal);
        self.output
            .put(&PgWireBackendMessage::BindComplete(BindComplete::new()))
    }

    pub(super) async fn describe(&mut self, describe: &Describe) -> Result<(), Failure> {
        let name = describe.name.as_deref().unwrap_or_default();
        if describe.target_type != STATEMENT && !self.portals.contains_key(name) {
            // A cursor that was declared in SQL is a portal too.
            let schema = self.session.cursor_schema(name).await;
            let schema = schema.map_err(|_| no_portal(name))?;
            return self.output.put(&rows::description(Some(&schema), &[]));
        }
        let (stored, formats) = if describe.target_type == STATEMENT {
            let stored = self.statement(describe.name.as_deref())?.clone();
            let types = stored.parameters.iter().map(Type::oid).collect();
            let parameters = ParameterDescription::new(types);
            self.output
                .put(&PgWireBackendMessage::ParameterDescription(parameters))?;
            (stored, Vec::new())
        } else {
            let portal = self.portals.get(name).ok_or_else(|| no_portal(name))?;
            (portal.stored.clone(), portal.formats.clone())
        };
        let schema = stored.prepared.as_ref().and_then(Prepared::schema);
        self.output
            .put(&rows::description(schema.as_deref(), &formats))
    }

    pub(super) async fn execute(&mut self, execute: &Execute) -> Result<(), Failure> {
        let name = execute.name.clone().unwrap_or_default();
        // Out of the map while it runs; a portal that fails does not come back.
        let mut portal = self.portals.remove(&name).ok_or_else(|| no_portal(&name))?;
        let Some(prepared) = portal.stored.prepared.clone() else {
            self.portals.insert(name, portal);
            return self.put_empty();
        };
        let limit = u64::try_from(execute.max_rows)
            .ok()
            .filter(|limit| *limit > 0);
        let observed = Observed::start(&self.server.metrics, prepared.statement().tag());
        let outcome = self.run_portal(&mut portal, &prepared, limit).await;
        observed.finish(&outcome);
        outcome?;
        self.portals.insert(name, portal);
        self.report_settings()
    }

    async fn run_portal(
        &mut self,
        portal: &mut Portal,
        prepared: &Prepared,
        limit: Option<u64>,
    ) -> Result<(), Failure> {
        let failed = self.session.transaction() == TransactionState::Failed;
        let guard = self.guard();
        let (session, output) = (&self.session, &mut self.output);
        let metrics = &self.server.metrics;
        let copy = guard
            .run(Some(&mut self.input), async {
                let state = std::mem::replace(&mut portal.state, PortalState::Finished("SELECT"));
                let (mut rows, tag) = match state {
                    PortalState::Paused(..) if failed => {
                        let message = "current transaction is aborted, \
                                       commands ignored until end of transaction block";
                        return Err(Report::error("25P02", message).into());
                    }
                    PortalState::Paused(rows, tag) => (rows, tag),
                    PortalState::Finished(tag) => {
                        portal.state = PortalState::Finished(tag);
                        output.put(&complete(format!("{tag} 0")))?;
                        return Ok(None);
                    }
                    PortalState::Bound => {
                        let parameters = portal.parameters.clone();
                        match session.run(prepared, parameters).await? {
                            Outcome::Rows {
                                schema,
                                stream,
                                tag,
                            } => {
                                let formats = match portal.formats.is_empty() {
                                    true => vec![Format::Text; schema.fields().len()],
                                    false => portal.formats.clone(),
                                };
                                let rows = Rows::new(schema, stream, formats, zone(session));
                                (Box::new(rows), tag)
                            }
                            Outcome::Done { tag } => {
                                output.put(&complete(tag))?;
                                return Ok(None);
                            }
                            Outcome::Empty => {
                                output.put(&complete(String::new()))?;
                                return Ok(None);
                            }
                            Outcome::CopyOut {
                                schema,
                                stream,
                                options,
                            } => {
                                let zone = zone(session);
                                let sent =
                                    super::copy::send(schema, stream, &options, zone, output);
                                metrics.rows_sent.inc_by(sent.await?);
                                return Ok(None);
                            }
                            Outcome::CopyIn(target) => return Ok(Some(target)),
                        }
                    }
                };
                let sent = rows.send(limit, output).await?;
                metrics.rows_sent.inc_by(sent.rows);
                if sent.more {
                    portal.state = PortalState::Paused(rows, tag);
                    let suspended = PortalSuspended::new();
                    output.put(&PgWireBackendMessage::PortalSuspended(suspended))?;
                } else {
                    portal.state = PortalState::Finished(tag);
                    output.put(&complete(format!("{tag} {}", sent.rows)))?;
                }
                Ok(None)
            })
            .await?;
        match copy {
            Some(target) => self.copy_in(*target, &guard).await,
            None => Ok(()),
        }
    }

    pub(super) fn close(&mut self, close: &Close) -> Result<(), Failure> {
        let name = close.name.as_deref().unwrap_or_default();
        if close.target_type == STATEMENT {
            if let Some(stored) = self.statements.remove(name) {
                // The portals of a statement go with it.
                self.portals
                    .retain(|_, portal| !Arc::ptr_eq(&portal.stored, &stored));
            }
        } else {
            self.portals.remove(name);
        }
        self.output
            .put(&PgWireBackendMessage::CloseComplete(CloseComplete::new()))
    }

    fn statement(&self, name: Option<&str>) -> Result<&Arc<Stored>, Report> {
        let name = name.unwrap_or_default();
        self.statements.get(name).ok_or_else(|| {
            let message = match name {
                "" => "unnamed prepared statement does not exist".to_owned(),
                name => format!("prepared statement \"{name}\" does not exist"),
            };
            Report::error(state::INVALID_STATEMENT_NAME, message)
        })
    }
}

fn no_portal(name: &str) -> Report {
    Report::error(
        state::INVALID_CURSOR_NAME,
        format!("portal \"{name}\" does not exist"),
    )
}
