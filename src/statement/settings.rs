//! SET, SHOW, RESET and DISCARD. Anyone may use them on an own session.

use datafusion::sql::sqlparser::ast;

use super::fold_name;
use crate::error::{Error, sqlstate};
use crate::session::Scope;

/// `SET [LOCAL] name = value`.
#[derive(Debug, Clone)]
pub(crate) struct Set {
    pub(crate) scope: Scope,
    /// The settings that change; `None` puts one back to its start.
    pub(crate) values: Vec<(String, Option<String>)>,
}

/// `SHOW name`, `SHOW ALL`.
#[derive(Debug, Clone)]
pub(crate) struct Show {
    /// `None` for all.
    pub(crate) name: Option<String>,
}

/// `RESET name`, `RESET ALL`.
#[derive(Debug, Clone)]
pub(crate) struct Reset {
    /// `None` for all.
    pub(crate) name: Option<String>,
}

/// `DISCARD ALL`, `DISCARD PLANS` and its relatives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Discard {
    pub(crate) object: Discarded,
}

/// What DISCARD forgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Discarded {
    All,
    Plans,
    Sequences,
    Temporary,
}

impl Discard {
    pub(super) fn from_ast(object: &ast::DiscardObject) -> Self {
        let object = match object {
            ast::DiscardObject::ALL => Discarded::All,
            ast::DiscardObject::PLANS => Discarded::Plans,
            ast::DiscardObject::SEQUENCES => Discarded::Sequences,
            ast::DiscardObject::TEMP => Discarded::Temporary,
        };
        Discard { object }
    }

    pub(crate) fn tag(self) -> &'static str {
        match self.object {
            Discarded::All => "DISCARD ALL",
            Discarded::Plans => "DISCARD PLANS",
            Discarded::Sequences => "DISCARD SEQUENCES",
            Discarded::Temporary => "DISCARD TEMP",
        }
    }
}

impl Reset {
    pub(super) fn from_ast(reset: &ast::ResetStatement) -> Self {
        let name = match &reset.reset {
            ast::Reset::ALL => None,
            ast::Reset::ConfigurationParameter(name) => Some(fold_name(name).join(".")),
        };
        Reset { name }
    }
}

impl Show {
    pub(super) fn from_words(words: &[String]) -> Self {
        let joined = words.join(".");
        let name = match joined.to_ascii_lowercase().as_str() {
            "all" => None,
            "time.zone" => Some("TimeZone".to_owned()),
            "transaction.isolation.level" => Some("transaction_isolation".to_owned()),
            "session.authorization" => Some("session_authorization".to_owned()),
            _ => Some(joined),
        };
        Show { name }
    }
}

impl Set {
    fn one(scope: Scope, name: impl Into<String>, value: Option<String>) -> Self {
        Set {
            scope,
            values: vec![(name.into(), value)],
        }
    }

    pub(super) fn from_ast(set: &ast::Set) -> Result<Self, Error> {
        match set {
            ast::Set::SingleAssignment {
                scope,
                variable,
                values,
                ..
            } => {
                let scope = match scope {
                    Some(ast::ContextModifier::Local) => Scope::Local,
                    _ => Scope::Session,
                };
                Ok(Set::one(
                    scope,
                    fold_name(variable).join("."),
                    value(values)?,
                ))
            }
            ast::Set::SetTimeZone { local, value: zone } => {
                let scope = if *local { Scope::Local } else { Scope::Session };
                Ok(Set::one(
                    scope,
                    "TimeZone",
                    value(std::slice::from_ref(zone))?,
                ))
            }
            ast::Set::SetNames { charset_name, .. } => Ok(Set::one(
                Scope::Session,
                "client_encoding",
                Some(charset_name.value.clone()),
            )),
            ast::Set::SetNamesDefault {} => Ok(Set::one(Scope::Session, "client_encoding", None)),
            ast::Set::SetTransaction { modes, session, .. } => Ok(transaction(modes, *session)),
            ast::Set::SetSessionAuthorization(parameter)
                if matches!(
                    parameter.kind,
                    ast::SetSessionAuthorizationParamKind::Default
                ) =>
            {
                Ok(Set {
                    scope: Scope::Session,
                    values: Vec::new(),
                })
            }
            ast::Set::SetRole {
                role_name: None, ..
            } => Ok(Set {
                scope: Scope::Session,
                values: Vec::new(),
            }),
            ast::Set::SetRole { .. } | ast::Set::SetSessionAuthorization(_) => {
                Err(Error::statement(
                    sqlstate::INSUFFICIENT_PRIVILEGE,
                    "a session keeps the user that it was opened by",
                ))
            }
            _ => Err(Error::statement(
                sqlstate::SYNTAX_ERROR,
                "SET takes one setting and its value",
            )),
        }
    }
}

/// The modes of SET TRANSACTION (this block) or SET SESSION CHARACTERISTICS (those to come).
fn transaction(modes: &[ast::TransactionMode], session: bool) -> Set {
    let prefix = if session { "default_" } else { "" };
    let values = modes
        .iter()
        .map(|mode| match mode {
            ast::TransactionMode::AccessMode(access) => (
                format!("{prefix}transaction_read_only"),
                Some(
                    match access {
                        ast::TransactionAccessMode::ReadOnly => "on",
                        ast::TransactionAccessMode::ReadWrite => "off",
                    }
                    .to_owned(),
                ),
            ),
            ast::TransactionMode::IsolationLevel(level) => (
                format!("{prefix}transaction_isolation"),
                Some(level.to_string().to_ascii_lowercase()),
            ),
        })
        .collect();
    let scope = if session {
        Scope::Session
    } else {
        Scope::Local
    };
    Set { scope, values }
}

/// The value of a SET as text; `None` for DEFAULT.
fn value(values: &[ast::Expr]) -> Result<Option<String>, Error> {
    if let [ast::Expr::Identifier(word)] = values
        && word.quote_style.is_none()
        && word.value.eq_ignore_ascii_case("default")
    {
        return Ok(None);
    }
    let parts: Vec<String> = values.iter().map(text).collect::<Result<_, _>>()?;
    Ok(Some(parts.join(", ")))
}

fn text(expr: &ast::Expr) -> Result<String, Error> {
    match expr {
        ast::Expr::Identifier(ident) => Ok(match ident.quote_style {
            Some(_) if ident.value.starts_with('$') => format!("\"{}\"", ident.value),
            _ => ident.value.clone(),
        }),
        ast::Expr::CompoundIdentifier(parts) => Ok(parts
            .iter()
            .map(|part| part.value.as_str())
            .collect::<Vec<_>>()
            .join(".")),
        ast::Expr::Value(value) => match &value.value {
            ast::Value::Number(number, _) => Ok(number.to_string()),
            ast::Value::Boolean(on) => Ok(if *on { "on" } else { "off" }.to_owned()),
            ast::Value::SingleQuotedString(text)
            | ast::Value::EscapedStringLiteral(text)
            | ast::Value::UnicodeStringLiteral(text) => Ok(text.clone()),
            ast::Value::DollarQuotedString(text) => Ok(text.value.clone()),
            other => Err(no_value(other)),
        },
        ast::Expr::UnaryOp { op, expr } => Ok(format!("{op}{}", text(expr)?)),
        ast::Expr::Interval(interval) => text(&interval.value),
        other => Err(no_value(other)),
    }
}

fn no_value(expr: &impl std::fmt::Display) -> Error {
    Error::statement(
        sqlstate::SYNTAX_ERROR,
        format!("SET takes a word, a number or a text, not {expr}"),
    )
}
