//! Records whose members are named as our columns: messages, conversations, or another table.

use std::borrow::Cow;
use std::collections::HashMap;

use datafusion::arrow::datatypes::Schema;
use serde_json::{Map, Value};

use super::object::Object;
use crate::ingest::IngestError;
use crate::ingest::columns::{Cell, Row, TableBuilder};
use crate::ingest::mapping::Fault;
use crate::ingest::values::is_score;
use crate::lake::TableSchema;

/// Columns that show that a record is a message.
pub(super) const OF_MESSAGES: [&str; 4] = ["message_id", "role", "sent_at", "text"];
/// Columns of a message that its conversation has too.
const SHARED: [&str; 6] = [
    "conversation_id",
    "source",
    "source_conversation_id",
    "channel",
    "account_id",
    "source_customer_id",
];

/// Values for what a file does not say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Defaults {
    pub(crate) source: Option<String>,
    pub(crate) channel: Option<String>,
}

/// Where a member goes.
#[derive(Debug, Clone, Copy)]
enum Target {
    Message(usize),
    Conversation(usize),
    /// A column that the engine fills anew.
    Engine,
}

/// The columns that a caller may fill: no scores and no times of writing.
pub(super) fn writable(table: &TableSchema) -> Schema {
    let fields = table
        .columns
        .fields()
        .iter()
        .filter(|field| !is_engine(&table.name, field.name()));
    Schema::new(fields.cloned().collect::<Vec<_>>())
}

pub(super) fn is_engine(table: &str, column: &str) -> bool {
    matches!(column, "ingested_at" | "version_at") || (table == "messages" && is_score(column))
}

/// Fills `messages` and `conversations`, or one other table.
pub(super) struct Canonical {
    targets: HashMap<String, Target>,
    defaults: Defaults,
    pub(super) conversations: TableBuilder,
    /// Messages, or the rows of the table that was named.
    pub(super) rows: TableBuilder,
    /// Whether one table was named, so that every record is a row of it.
    single: bool,
    attributes: Option<usize>,
}

impl Canonical {
    /// A filler for messages and conversations, or for `table` alone.
    pub(super) fn new(
        messages: &TableSchema,
        conversations: &TableSchema,
        table: Option<&TableSchema>,
        defaults: Defaults,
    ) -> Self {
        let single = table.is_some();
        let rows_of = table.unwrap_or(messages);
        let rows = TableBuilder::new(&writable(rows_of));
        let conversation_rows = TableBuilder::new(&writable(conversations));
        let mut targets = HashMap::new();
        if !single {
            for field in conversations.columns.fields() {
                let column = conversation_rows.column(field.name());
                targets.insert(
                    field.name().clone(),
                    column.map_or(Target::Engine, Target::Conversation),
                );
            }
        }
        for field in rows_of.columns.fields() {
            let column = rows.column(field.name());
            targets.insert(
                field.name().clone(),
                column.map_or(Target::Engine, Target::Message),
            );
        }
        let attributes = rows.column("attributes");
        Canonical {
            targets,
            defaults,
            conversations: conversation_rows,
            rows,
            single,
            attributes,
        }
    }

    /// Whether a record with such members can be one of ours.
    pub(super) fn knows<'n>(mut names: impl Iterator<Item = &'n str>) -> bool {
        names.any(|name| matches!(name, "conversation_id" | "source_conversation_id"))
    }

    /// Takes a record in, as a message with what it says of its conversation, or as a
    /// conversation.
    pub(super) fn object(&mut self, object: Object<'_>, line: u64) -> Result<(), Fault> {
        let message = self.single
            || object.0.iter().any(|(name, cell)| {
                OF_MESSAGES.contains(&name.as_ref()) && !matches!(cell, Cell::Null)
            });
        let mut row = self.rows.row();
        // Most messages say nothing of their conversation but its id.
        let mut conversation: Option<Row<'_>> = None;
        let mut about_conversation = !message;
        let mut extra = Map::new();
        for (name, cell) in object.0 {
            let fault = |reason| Fault::new(name.as_ref(), reason);
            match self.targets.get(name.as_ref()) {
                Some(Target::Engine) => {}
                Some(Target::Message(_)) if !message => match self.conversations.column(&name) {
                    Some(column) => {
                        let cell = attribute_text(&name, cell);
                        conversation
                            .get_or_insert_with(|| self.conversations.row())
                            .set(&self.conversations, column, cell)
                            .map_err(fault)?;
                    }
                    None => keep(&mut extra, &name, cell),
                },
                Some(Target::Message(column)) => {
                    row.set(&self.rows, *column, attribute_text(&name, cell))
                        .map_err(fault)?;
                }
                Some(Target::Conversation(column)) => {
                    let row = conversation.get_or_insert_with(|| self.conversations.row());
                    row.set(&self.conversations, *column, cell).map_err(fault)?;
                    about_conversation |= !row.is_null(*column);
                }
                None => keep(&mut extra, &name, cell),
            }
        }
        let mut conversation = conversation.filter(|_| about_conversation && !self.single);
        if message {
            self.finish(&mut row, extra, true)?;
            for name in SHARED {
                if let Some(conversation) = &mut conversation
                    && let Some(column) = self.conversations.column(name)
                    && let Some(text) = self.rows.column(name).and_then(|column| row.text(column))
                {
                    let cell = Cell::Text(Cow::Owned(text.to_string()));
                    conversation
                        .set(&self.conversations, column, cell)
                        .map_err(|reason| Fault::new(name, reason))?;
                }
            }
            self.rows.append(row, line);
        } else if let Some(conversation) = &mut conversation {
            self.finish(conversation, extra, false)?;
        }
        if let Some(mut conversation) = conversation {
            self.set_defaults(&mut conversation, false)?;
            self.conversations.append(conversation, line);
        }
        Ok(())
    }

    /// Attributes and defaults of a row.
    fn finish<'r>(
        &self,
        row: &mut Row<'r>,
        mut extra: Map<String, Value>,
        message: bool,
    ) -> Result<(), Fault> {
        let (table, attributes) = match message {
            true => (&self.rows, self.attributes),
            false => (&self.conversations, self.conversations.column("attributes")),
        };
        if !extra.is_empty()
            && let Some(column) = attributes
        {
            let given = row
                .text(column)
                .map(serde_json::from_str::<Map<String, Value>>);
            match given {
                Some(Ok(mut given)) => {
                    given.append(&mut extra);
                    extra = given;
                }
                Some(Err(error)) => {
                    return Err(Fault::new(
                        "attributes",
                        format!("is no JSON object: {error}"),
                    ));
                }
                None => {}
            }
            let json = Value::Object(extra).to_string();
            row.set(table, column, Cell::Text(json.into()))
                .map_err(|reason| Fault::new("attributes", reason))?;
        }
        self.set_defaults(row, message)
    }

    fn set_defaults(&self, row: &mut Row<'_>, message: bool) -> Result<(), Fault> {
        let table = if message {
            &self.rows
        } else {
            &self.conversations
        };
        for (name, default) in [
            ("source", &self.defaults.source),
            ("channel", &self.defaults.channel),
        ] {
            if let (Some(column), Some(default)) = (table.column(name), default)
                && row.is_null(column)
            {
                row.set(table, column, Cell::Text(Cow::Owned(default.clone())))
                    .map_err(|reason| Fault::new(name, reason))?;
            }
        }
        Ok(())
    }
}

/// JSON given as a tree becomes its text where the column holds JSON.
fn attribute_text<'a>(name: &str, cell: Cell<'a>) -> Cell<'a> {
    match cell {
        Cell::Json(value) if name == "attributes" && !value.is_string() => {
            Cell::Text(Cow::Owned(value.to_string()))
        }
        other => other,
    }
}

fn keep(extra: &mut Map<String, Value>, name: &str, cell: Cell<'_>) {
    let value = match cell {
        Cell::Null => return,
        Cell::Text(text) => Value::String(text.into_owned()),
        Cell::Json(value) => value.into_owned(),
        Cell::Time(time) => Value::String(crate::ingest::time::show(time)),
    };
    extra.insert(name.to_string(), value);
}

/// The schema of a table of the lake.
pub(super) fn definition(
    tables: &[std::sync::Arc<TableSchema>],
    name: &str,
) -> Result<std::sync::Arc<TableSchema>, IngestError> {
    let found = tables.iter().find(|table| table.name == name).cloned();
    found.ok_or_else(|| {
        let known: Vec<_> = tables.iter().map(|table| table.name.as_str()).collect();
        IngestError::format(
            name,
            format!("is no table of the lake; it has {}", known.join(", ")),
        )
    })
}
