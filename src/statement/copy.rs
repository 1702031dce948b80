//! COPY … FROM STDIN and COPY … TO STDOUT. Files and programs of the server are refused.
//!
//! Needs INSERT on the table for FROM, SELECT on what is read for TO.

use datafusion::sql::sqlparser::ast;

use super::{fold, fold_name};
use crate::error::{Error, sqlstate};

/// `COPY source TO STDOUT` or `COPY table FROM STDIN`.
#[derive(Debug, Clone)]
pub(crate) struct Copy {
    pub(crate) relation: CopyRelation,
    pub(crate) direction: CopyDirection,
    pub(crate) options: CopyOptions,
}

/// What is copied.
#[derive(Debug, Clone)]
pub(crate) enum CopyRelation {
    Table {
        /// The name in parts, folded.
        name: Vec<String>,
        /// Empty for all columns.
        columns: Vec<String>,
        object: ast::ObjectName,
    },
    Query(Box<ast::Query>),
}

/// Which way rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CopyDirection {
    FromClient,
    ToClient,
}

/// How the bytes of a COPY are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyFormat {
    /// Tab-separated, with backslash escapes.
    Text,
    /// Comma-separated, with quotes.
    Csv,
    /// PostgreSQL's binary format.
    Binary,
}

/// The options of a COPY, with PostgreSQL's defaults for the format filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyOptions {
    /// How the bytes are written.
    pub format: CopyFormat,
    /// Between columns.
    pub delimiter: u8,
    /// The text that stands for NULL.
    pub null: String,
    /// Whether the first line names the columns.
    pub header: bool,
    /// Around a CSV value that needs it.
    pub quote: u8,
    /// Before a quote in a quoted CSV value.
    pub escape: u8,
}

impl Copy {
    pub(super) fn from_ast(
        source: ast::CopySource,
        to: bool,
        target: &ast::CopyTarget,
        options: &[ast::CopyOption],
        legacy: &[ast::CopyLegacyOption],
    ) -> Result<Self, Error> {
        let direction = match (to, target) {
            (true, ast::CopyTarget::Stdout) => CopyDirection::ToClient,
            (false, ast::CopyTarget::Stdin) => CopyDirection::FromClient,
            _ => {
                return Err(Error::statement(
                    sqlstate::INSUFFICIENT_PRIVILEGE,
                    "COPY reads and writes no files or programs of the server",
                )
                .with_hint("Use COPY … FROM STDIN, COPY … TO STDOUT or psql's \\copy."));
            }
        };
        let relation = match source {
            ast::CopySource::Table {
                table_name,
                columns,
            } => CopyRelation::Table {
                name: fold_name(&table_name),
                columns: columns.iter().map(fold).collect(),
                object: table_name,
            },
            ast::CopySource::Query(query) => CopyRelation::Query(query),
        };
        Ok(Copy {
            relation,
            direction,
            options: CopyOptions::from_ast(options, legacy)?,
        })
    }
}

impl CopyOptions {
    fn from_ast(
        options: &[ast::CopyOption],
        legacy: &[ast::CopyLegacyOption],
    ) -> Result<Self, Error> {
        let mut format = CopyFormat::Text;
        let mut delimiter = None;
        let mut null = None;
        let mut header = false;
        let mut quote = b'"';
        let mut escape = None;
        for option in options {
            match option {
                ast::CopyOption::Format(name) => {
                    format = match name.value.to_ascii_lowercase().as_str() {
                        "text" => CopyFormat::Text,
                        "csv" => CopyFormat::Csv,
                        "binary" => CopyFormat::Binary,
                        _ => return Err(unsupported(option)),
                    };
                }
                ast::CopyOption::Delimiter(character) => delimiter = Some(byte(*character)?),
                ast::CopyOption::Null(text) => null = Some(text.clone()),
                ast::CopyOption::Header(on) => header = *on,
                ast::CopyOption::Quote(character) => quote = byte(*character)?,
                ast::CopyOption::Escape(character) => escape = Some(byte(*character)?),
                ast::CopyOption::Freeze(_) => {}
                ast::CopyOption::Encoding(name)
                    if ["utf8", "utf-8"].contains(&name.to_ascii_lowercase().as_str()) => {}
                _ => return Err(unsupported(option)),
            }
        }
        for option in legacy {
            match option {
                ast::CopyLegacyOption::Binary => format = CopyFormat::Binary,
                ast::CopyLegacyOption::Delimiter(character) => delimiter = Some(byte(*character)?),
                ast::CopyLegacyOption::Null(text) => null = Some(text.clone()),
                ast::CopyLegacyOption::Header => header = true,
                ast::CopyLegacyOption::Csv(options) => {
                    format = CopyFormat::Csv;
                    for option in options {
                        match option {
                            ast::CopyLegacyCsvOption::Header => header = true,
                            ast::CopyLegacyCsvOption::Quote(character) => quote = byte(*character)?,
                            ast::CopyLegacyCsvOption::Escape(character) => {
                                escape = Some(byte(*character)?);
                            }
                            _ => return Err(unsupported(option)),
                        }
                    }
                }
                _ => return Err(unsupported(option)),
            }
        }
        let csv = format == CopyFormat::Csv;
        Ok(CopyOptions {
            format,
            delimiter: delimiter.unwrap_or(if csv { b',' } else { b'\t' }),
            null: null.unwrap_or_else(|| if csv { String::new() } else { "\\N".to_owned() }),
            header,
            quote,
            escape: escape.unwrap_or(quote),
        })
    }
}

fn byte(character: char) -> Result<u8, Error> {
    u8::try_from(character)
        .ok()
        .filter(u8::is_ascii)
        .ok_or_else(|| {
            Error::statement(
                sqlstate::INVALID_PARAMETER_VALUE,
                "COPY delimiter, quote and escape must be a single one-byte character",
            )
        })
}

fn unsupported(option: &impl std::fmt::Display) -> Error {
    Error::statement(
        sqlstate::FEATURE_NOT_SUPPORTED,
        format!("COPY option {option} is not supported"),
    )
}
