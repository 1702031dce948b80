//! The built-in tables, read from `sql/schema/*.sql` and, those that are not stored,
//! `sql/system/*.sql`.
//!
//! Each file holds one `CREATE TABLE` in PostgreSQL's types. Comment lines above the statement and
//! above a column are their documentation. The `WITH` options steer the files that are written:
//! `sort` (order of the rows in a file), `statistics` (columns with minimum and maximum in the
//! Delta log; never personal ones), `bloom` (columns with Bloom filters).

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::sql::sqlparser::ast::{
    ColumnDef, ColumnOption, CreateTable, CreateTableOptions, DataType as SqlType, Expr, SqlOption,
    Statement, TableConstraint, Value,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::LakeError;

/// Field metadata key of a column's documentation.
pub const COMMENT: &str = "comment";
/// Field metadata key of a column's SQL type where Arrow has none of its own (`jsonb`).
pub const SQL_TYPE: &str = "verbatim.type";
/// Field metadata key of a column's default, as SQL.
pub const DEFAULT: &str = "verbatim.default";

/// Name of the table whose commit makes a batch visible.
pub const MESSAGES: &str = "messages";
/// Name of the table whose rows are merged with what is there.
pub const CONVERSATIONS: &str = "conversations";
/// Time of a row's version in the tables whose rows change.
pub const VERSION_AT: &str = "version_at";
/// Time at which a row was written.
pub const INGESTED_AT: &str = "ingested_at";
/// Marks a version with which the row is gone.
pub const IS_DELETED: &str = "is_deleted";
/// The model set that scored a message.
pub const SCORED_BY: &str = "scored_by";
/// Time at which a message was edited.
pub const EDITED_AT: &str = "edited_at";

/// A built-in table.
#[derive(Debug)]
pub struct TableSchema {
    /// Name of the table.
    pub name: String,
    /// What the table holds.
    pub comment: String,
    /// The columns, documented in their metadata under [`COMMENT`].
    pub columns: SchemaRef,
    /// The columns that identify a row.
    pub key: Vec<String>,
    /// The column by which rows are ordered in a file.
    pub sort: Option<String>,
    /// Columns with minimum, maximum and null count in the Delta log.
    pub statistics: Vec<String>,
    /// Columns with Bloom filters.
    pub bloom: Vec<String>,
}

impl TableSchema {
    /// Positions of the key columns.
    pub fn key_indices(&self) -> Vec<usize> {
        self.key
            .iter()
            .filter_map(|name| self.columns.index_of(name).ok())
            .collect()
    }

    /// The columns that order the versions of a row, the most significant first; empty for a
    /// table that is append only.
    pub fn version_columns(&self) -> &'static [&'static str] {
        if self.columns.index_of(VERSION_AT).is_ok() {
            &[VERSION_AT, INGESTED_AT]
        } else if self.columns.index_of(EDITED_AT).is_ok() {
            &[EDITED_AT, INGESTED_AT]
        } else {
            &[]
        }
    }

    /// Whether every row may have later versions; `messages` has them as an exception only.
    pub fn is_versioned(&self) -> bool {
        self.columns.index_of(VERSION_AT).is_ok()
    }
}

/// All built-in tables, `messages` first.
///
/// # Errors
/// When a file under `sql/schema` is not of the form described at the top of this module.
pub fn built_in_tables() -> Result<&'static [Arc<TableSchema>], LakeError> {
    checked(&TABLES)
}

/// The tables whose rows the engine makes when they are read: nothing of them is stored.
///
/// # Errors
/// When a file under `sql/system` is not of the form described at the top of this module.
pub fn system_tables() -> Result<&'static [Arc<TableSchema>], LakeError> {
    checked(&SYSTEM_TABLES)
}

fn checked(parsed: &'static Parsed) -> Result<&'static [Arc<TableSchema>], LakeError> {
    match parsed {
        Ok(tables) => Ok(tables),
        Err((table, message)) => Err(LakeError::Schema {
            table: table.clone(),
            message: message.clone(),
        }),
    }
}

macro_rules! sources {
    ($folder:literal: $($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../sql/", $folder, "/", $name, ".sql")))),*]
    };
}

const SOURCES: [(&str, &str); 16] = sources!["schema":
    "messages",
    "conversations",
    "events",
    "annotations",
    "customer_identities",
    "accounts",
    "releases",
    "agents",
    "business_hours",
    "topics",
    "model_sets",
    "qa_reviews",
    "alert_events",
    "job_runs",
    "audit_log",
    "usage",
];

type Parsed = Result<Vec<Arc<TableSchema>>, (String, String)>;

const SYSTEM_SOURCES: [(&str, &str); 2] = sources!["system": "models", "model_confusions"];

static TABLES: LazyLock<Parsed> = LazyLock::new(|| parsed(&SOURCES));
static SYSTEM_TABLES: LazyLock<Parsed> = LazyLock::new(|| parsed(&SYSTEM_SOURCES));

fn parsed(sources: &[(&str, &str)]) -> Parsed {
    let parse = |(name, sql): &(&str, &str)| match parse_table(sql) {
        Ok(table) if table.name == *name => Ok(Arc::new(table)),
        Ok(table) => Err((
            name.to_string(),
            format!("defines the table {}", table.name),
        )),
        Err(message) => Err((name.to_string(), message)),
    };
    sources.iter().map(parse).collect()
}

fn parse_table(sql: &str) -> Result<TableSchema, String> {
    let statements =
        Parser::parse_sql(&PostgreSqlDialect {}, sql).map_err(|error| error.to_string())?;
    let [Statement::CreateTable(table)] = statements.as_slice() else {
        return Err("expected one CREATE TABLE".into());
    };
    let comments = comments(sql);
    let mut key = Vec::new();
    let mut fields = Vec::with_capacity(table.columns.len());
    for column in &table.columns {
        if column
            .options
            .iter()
            .any(|o| matches!(o.option, ColumnOption::PrimaryKey(_)))
        {
            key.push(column.name.value.clone());
        }
        fields.push(field(column, comments.get(column.name.value.as_str()))?);
    }
    for constraint in &table.constraints {
        if let TableConstraint::PrimaryKey(primary) = constraint {
            key.extend(
                primary
                    .columns
                    .iter()
                    .map(|column| column.column.expr.to_string()),
            );
        }
    }
    let table = TableSchema {
        name: table.name.to_string(),
        comment: comments.get("CREATE").cloned().unwrap_or_default(),
        columns: Arc::new(Schema::new(fields)),
        key,
        sort: option(table, "sort").into_iter().next(),
        statistics: option(table, "statistics"),
        bloom: option(table, "bloom"),
    };
    let named = [&table.key, &table.statistics, &table.bloom]
        .into_iter()
        .flatten();
    for name in named.chain(&table.sort) {
        if table.columns.index_of(name).is_err() {
            return Err(format!("there is no column {name}"));
        }
    }
    if table.key.is_empty() {
        return Err("the primary key is missing".into());
    }
    Ok(table)
}

/// Documentation by the first word of the line below it.
fn comments(sql: &str) -> HashMap<&str, String> {
    let mut found = HashMap::new();
    let mut pending = String::new();
    for line in sql.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("--") {
            if !pending.is_empty() {
                pending.push(' ');
            }
            pending.push_str(comment.trim());
        } else if !pending.is_empty() {
            let word = line.split_whitespace().next().unwrap_or_default();
            found.insert(word, std::mem::take(&mut pending));
        }
    }
    found
}

fn option(table: &CreateTable, wanted: &str) -> Vec<String> {
    let CreateTableOptions::With(options) = &table.table_options else {
        return Vec::new();
    };
    let value = options.iter().find_map(|option| match option {
        SqlOption::KeyValue {
            key,
            value: Expr::Value(value),
        } if key.value == wanted => match &value.value {
            Value::SingleQuotedString(text) => Some(text.as_str()),
            _ => None,
        },
        _ => None,
    });
    value
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|n| !n.is_empty())
        .map(String::from)
        .collect()
}

fn field(column: &ColumnDef, comment: Option<&String>) -> Result<Field, String> {
    let mut metadata = HashMap::new();
    if let Some(comment) = comment {
        metadata.insert(COMMENT.to_string(), comment.clone());
    }
    if matches!(column.data_type, SqlType::JSONB) {
        metadata.insert(SQL_TYPE.to_string(), "jsonb".to_string());
    }
    let mut nullable = true;
    for option in &column.options {
        match &option.option {
            ColumnOption::NotNull => nullable = false,
            ColumnOption::Default(value) => {
                metadata.insert(DEFAULT.to_string(), value.to_string());
            }
            _ => {}
        }
    }
    let data_type = arrow_type(&column.data_type)
        .ok_or_else(|| format!("type {} of column {}", column.data_type, column.name))?;
    Ok(Field::new(&column.name.value, data_type, nullable).with_metadata(metadata))
}

fn arrow_type(sql: &SqlType) -> Option<DataType> {
    use datafusion::sql::sqlparser::ast::{ArrayElemTypeDef, TimezoneInfo};
    Some(match sql {
        SqlType::Text | SqlType::JSONB => DataType::Utf8,
        SqlType::Double(_) | SqlType::DoublePrecision => DataType::Float64,
        SqlType::Real => DataType::Float32,
        SqlType::SmallInt(_) => DataType::Int16,
        SqlType::Integer(_) | SqlType::Int(_) => DataType::Int32,
        SqlType::BigInt(_) => DataType::Int64,
        SqlType::Boolean => DataType::Boolean,
        SqlType::Timestamp(_, TimezoneInfo::Tz) => {
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        }
        SqlType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => {
            DataType::List(Arc::new(Field::new("element", arrow_type(element)?, true)))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use verbatim_udfs::model::ScoreColumn;

    use super::*;

    #[test]
    fn every_table_is_read() {
        let tables = built_in_tables().unwrap();
        assert_eq!(tables.len(), SOURCES.len());
        assert_eq!(tables[0].name, MESSAGES);
        for table in tables.iter().chain(system_tables().unwrap()) {
            assert!(!table.comment.is_empty(), "{} has no comment", table.name);
            for field in table.columns.fields() {
                assert!(
                    field.metadata().contains_key(COMMENT),
                    "{}.{}",
                    table.name,
                    field.name()
                );
            }
        }
    }

    #[test]
    fn messages_carry_every_score_column() {
        let messages = &built_in_tables().unwrap()[0];
        for score in ScoreColumn::ALL {
            let field = messages.columns.field_with_name(score.name()).unwrap();
            assert_eq!(field.data_type(), &score.data_type(), "{}", score.name());
            assert!(field.is_nullable());
        }
        assert_eq!(messages.key, ["conversation_id", "message_id"]);
        let private = messages.columns.field_with_name("is_private").unwrap();
        assert_eq!(private.metadata()[DEFAULT], "false");
        assert!(!private.is_nullable());
    }

    #[test]
    fn no_statistics_on_words_or_people() {
        let personal = [
            "text",
            "author_id",
            "source_customer_id",
            "customer_id",
            "name",
            "subject",
        ];
        for table in built_in_tables().unwrap() {
            assert!(
                !table
                    .statistics
                    .iter()
                    .any(|name| personal.contains(&name.as_str()))
            );
        }
    }

    #[test]
    fn a_mistake_is_named() {
        assert!(
            parse_table("CREATE TABLE t (a money PRIMARY KEY)")
                .unwrap_err()
                .contains("money")
        );
        assert!(
            parse_table("CREATE TABLE t (a text)")
                .unwrap_err()
                .contains("primary key")
        );
        let unknown = "CREATE TABLE t (a text PRIMARY KEY) WITH (sort = 'b')";
        assert!(parse_table(unknown).unwrap_err().contains('b'));
    }
}
