//! Makes the rows of one record.

use std::borrow::Cow;

use serde_json::Value;

use super::path::{Path, rest};
use super::rule::{Rule, Scope};
use super::{Column, Mapping};
use crate::ingest::columns::{Cell, Row, TableBuilder};
use crate::ingest::time::Micros;

/// Where a record is.
#[derive(Clone, Copy)]
pub(crate) struct Place<'f> {
    pub(crate) line: u64,
    /// Number of the record in its file, from 0.
    pub(crate) number: u64,
    /// The file's name without folders and ending.
    pub(crate) file: &'f str,
}

/// A record, or a message of it, that could not become rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) field: String,
    pub(crate) reason: String,
}

impl Fault {
    pub(crate) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Fault {
            field: field.into(),
            reason: reason.into(),
        }
    }
}

/// A mapping bound to the tables that it fills.
pub(crate) struct Applier<'m> {
    mapping: &'m Mapping,
    source: String,
    conversation_id: &'m [Rule],
    conversation: Vec<(usize, &'m Column)>,
    blocks: Vec<Vec<(usize, &'m Column)>>,
    names: Names,
    conversations: TableBuilder,
    messages: TableBuilder,
}

/// Positions of the columns that the importer fills itself, in both tables.
struct Names {
    conversation: [usize; 5],
    message: [usize; 7],
    sent_at: usize,
}

impl<'m> Applier<'m> {
    /// `None` when the tables lack a column that every mapping fills.
    pub(crate) fn new(
        mapping: &'m Mapping,
        source: Option<String>,
        conversations: TableBuilder,
        messages: TableBuilder,
    ) -> Option<Self> {
        let bind = |columns: &'m [Column], table: &TableBuilder| {
            let bound = columns
                .iter()
                .filter_map(|column| Some((table.column(&column.name)?, column)));
            bound.collect::<Vec<_>>()
        };
        let names = Names {
            conversation: all(
                &conversations,
                [
                    "conversation_id",
                    "source",
                    "source_conversation_id",
                    "attributes",
                    "made",
                ],
            )?,
            message: all(
                &messages,
                [
                    "conversation_id",
                    "source",
                    "source_conversation_id",
                    "message_id",
                    "source_message_id",
                    "attributes",
                    "made",
                ],
            )?,
            sent_at: messages.column("sent_at")?,
        };
        let (id, conversation) = mapping.conversation.split_first()?;
        Some(Applier {
            mapping,
            source: source.unwrap_or_else(|| mapping.source.clone()),
            conversation_id: &id.rules,
            conversation: bind(conversation, &conversations),
            blocks: mapping
                .messages
                .iter()
                .map(|block| bind(&block.columns, &messages))
                .collect(),
            names,
            conversations,
            messages,
        })
    }

    /// Rows and rough bytes held.
    pub(crate) fn held(&self) -> (usize, usize) {
        let rows = self.messages.rows().max(self.conversations.rows());
        (rows, self.messages.bytes() + self.conversations.bytes())
    }

    /// The tables with what has been taken in.
    pub(crate) fn tables(&mut self) -> (&mut TableBuilder, &mut TableBuilder) {
        (&mut self.conversations, &mut self.messages)
    }

    /// Takes a record in. Messages that are bad are left out and reported; a conversation that is
    /// bad is left out as a whole.
    pub(crate) fn apply(&mut self, record: &Value, place: Place<'_>, faults: &mut Vec<Fault>) {
        let scope = Scope {
            record,
            element: record,
            index: 0,
            number: place.number,
            file: place.file,
        };
        let mut row = self.conversations.row();
        let mut taken: Vec<&Path> = self
            .mapping
            .messages
            .iter()
            .map(|block| &block.each)
            .filter(|each| each.misfit(record).is_none())
            .collect();
        let mut made: Vec<&'static str> = Vec::new();
        let native = match self.native_id(self.conversation_id, scope, &mut taken) {
            Ok((id, true)) => {
                made.push("conversation_id");
                id
            }
            Ok((id, false)) => id,
            Err(reason) => {
                faults.push(Fault::new("conversation.id", reason));
                return;
            }
        };
        for (index, column) in &self.conversation {
            let set = set(
                &mut row,
                &self.conversations,
                *index,
                column,
                scope,
                &mut taken,
            );
            if let Err(reason) = set {
                faults.push(Fault::new(column.name.clone(), reason));
                return;
            }
        }
        let id = format!("{}:{native}", self.source);
        let started = self.conversations.column("started_at");
        let begun = started.and_then(|column| row.time(column));
        let accepted = self.messages_of(record, place, (&id, &native, begun), faults);
        if accepted == 0 && started.is_none_or(|column| row.is_null(column)) {
            if faults.is_empty() {
                let reason = "has no message and no started_at: nothing tells when it was";
                faults.push(Fault::new("", reason));
            }
            return;
        }
        // Messages that are the record itself keep what is left of it.
        let flat = self
            .mapping
            .messages
            .iter()
            .any(|block| block.each.is_self());
        let attributes = if flat { None } else { rest(record, &taken) };
        let [id_at, source_at, native_at, attributes_at, made_at] = self.names.conversation;
        let text = |text: Cow<'_, str>| Cell::Text(Cow::Owned(text.into_owned()));
        let cells = [
            (id_at, text(id.into())),
            (source_at, text(self.source.clone().into())),
            (native_at, text(native.into())),
            (
                attributes_at,
                attributes.map_or(Cell::Null, |json| text(json.into())),
            ),
        ];
        for (index, cell) in cells {
            if let Err(reason) = row.set(&self.conversations, index, cell) {
                faults.push(Fault::new("conversation", reason));
                return;
            }
        }
        for name in made {
            row.push(made_at, Cow::Borrowed(name));
        }
        self.conversations.append(row, place.line);
    }

    fn native_id(
        &self,
        rules: &'m [Rule],
        scope: Scope<'_>,
        taken: &mut Vec<&'m Path>,
    ) -> Result<(String, bool), String> {
        for rule in rules {
            if let Some(found) = rule.value(scope)? {
                let text = match found.cell {
                    Cell::Text(text) => text.into_owned(),
                    Cell::Json(value) => super::rule::text_of(&value)
                        .ok_or("wants text or a number, found an array or an object")?
                        .into_owned(),
                    Cell::Null | Cell::Time(_) => continue,
                };
                if !text.is_empty() {
                    taken.extend(found.taken);
                    return Ok((text, found.made));
                }
            }
        }
        Err("is missing; a rule { made = \"…\" } can make one".into())
    }

    /// The messages of a record: of its conversation the id, its own id and when it began, where
    /// that is known. Blocks that stand together and have the same path take turns over its
    /// elements. Returns how many were taken in.
    fn messages_of(
        &mut self,
        record: &Value,
        place: Place<'_>,
        (id, native, begun): (&str, &str, Option<Micros>),
        faults: &mut Vec<Fault>,
    ) -> usize {
        let mapping = self.mapping;
        let (mut index, mut at) = (0, 0);
        // A time that is missing is made from those around it: all rows are held until then.
        let mut held = Vec::new();
        while let Some(block) = mapping.messages.get(at) {
            let together = mapping.messages[at..]
                .iter()
                .take_while(|b| b.each == block.each);
            let group = at..at + together.count();
            if let Some((path, found)) = block.each.misfit(record) {
                // Its messages would vanish without a word.
                faults.push(Fault::new(path, format!("wants an array, found {found}")));
            }
            for (number, element) in block.each.all(record).into_iter().enumerate() {
                let mut scope = Scope {
                    record,
                    element,
                    index,
                    number: place.number,
                    file: place.file,
                };
                // What a later block of the group takes is no attribute of the first one's row.
                let mut taken = Vec::new();
                let mut rows = Vec::new();
                for block in group.clone() {
                    let conditions = &mapping.messages[block].when;
                    if !conditions.iter().all(|condition| condition.holds(scope)) {
                        continue;
                    }
                    scope.index = index;
                    index += 1;
                    match self.message(block, scope, (id, native), &mut taken) {
                        Ok(row) => rows.push(row),
                        Err(mut fault) => {
                            if !block_is_record(mapping, block) {
                                fault.field = format!("message {number}: {}", fault.field);
                            }
                            faults.push(fault);
                        }
                    }
                }
                let mut left = rest(element, &taken);
                for mut row in rows {
                    let cell = left
                        .take()
                        .map_or(Cell::Null, |json| Cell::Text(json.into()));
                    match row.set(&self.messages, self.names.message[5], cell) {
                        Ok(()) => held.push(row),
                        Err(reason) => faults.push(Fault::new("attributes", reason)),
                    }
                }
            }
            at = group.end;
        }
        if let Err(reason) = self.make_times(&mut held, native, begun) {
            faults.push(Fault::new("sent_at", reason));
            return 0;
        }
        let accepted = held.len();
        for row in held {
            self.messages.append(row, place.line);
        }
        accepted
    }

    /// Makes the times that a conversation's messages lack: a step after the message before, and
    /// where none before has one, steps before the first that has one.
    fn make_times(
        &self,
        rows: &mut [Row<'_>],
        native: &str,
        begun: Option<Micros>,
    ) -> Result<(), String> {
        let Some(how) = self.mapping.made_time else {
            return Ok(());
        };
        let sent_at = self.names.sent_at;
        let [.., made_at] = self.names.message;
        let given: Vec<_> = rows.iter().map(|row| row.time(sent_at)).collect();
        // The time that comes next, from each message on, and how many messages after it.
        let mut next = vec![None; rows.len()];
        let mut known: Option<(Micros, i64)> = None;
        for (next, given) in next.iter_mut().zip(&given).rev() {
            known = match (given, known) {
                (Some(time), _) => Some((*time, 0)),
                (None, known) => known.map(|(time, steps)| (time, steps + 1)),
            };
            *next = known;
        }
        let mut last: Option<Micros> = None;
        for ((row, given), next) in rows.iter_mut().zip(given).zip(next) {
            if given.is_none() {
                let time = match (last, next) {
                    // Not behind the one that follows it.
                    (Some(last), Some((next, _))) if next >= last => {
                        last.saturating_add(how.step).min(next)
                    }
                    (Some(last), _) => last.saturating_add(how.step),
                    (None, Some((next, steps))) => {
                        next.saturating_sub(how.step.saturating_mul(steps))
                    }
                    (None, None) => begun.unwrap_or_else(|| how.start(native)),
                };
                row.set(&self.messages, sent_at, Cell::Time(time))?;
                row.push(made_at, Cow::Borrowed("sent_at"));
                last = Some(time);
            } else {
                last = given;
            }
        }
        Ok(())
    }

    fn message<'v>(
        &self,
        block: usize,
        scope: Scope<'v>,
        (id, native): (&str, &str),
        taken: &mut Vec<&'m Path>,
    ) -> Result<Row<'v>, Fault>
    where
        'm: 'v,
    {
        let mut row = self.messages.row();
        let [
            id_at,
            source_at,
            native_at,
            message_at,
            source_message_at,
            _,
            made_at,
        ] = self.names.message;
        let columns = &self.mapping.messages[block].columns;
        let rules = columns.iter().find(|column| column.name == "id");
        let rules = rules
            .map(|column| column.rules.as_slice())
            .unwrap_or_default();
        let (message, made) = self
            .native_id(rules, scope, taken)
            .map_err(|reason| Fault::new("id", reason))?;
        for (index, column) in &self.blocks[block] {
            set(&mut row, &self.messages, *index, column, scope, taken)
                .map_err(|reason| Fault::new(column.name.clone(), reason))?;
        }
        let own = |text: &str| Cell::Text(Cow::Owned(text.to_string()));
        let mut cells = vec![
            (id_at, own(id)),
            (source_at, own(&self.source)),
            (native_at, own(native)),
            (message_at, own(&message)),
        ];
        if made {
            row.push(made_at, Cow::Borrowed("message_id"));
        } else {
            cells.push((source_message_at, own(&message)));
        }
        for (index, cell) in cells {
            row.set(&self.messages, index, cell)
                .map_err(|reason| Fault::new("id", reason))?;
        }
        Ok(row)
    }
}

fn block_is_record(mapping: &Mapping, block: usize) -> bool {
    mapping.messages[block].each.is_self()
}

fn all<const N: usize>(table: &TableBuilder, names: [&str; N]) -> Option<[usize; N]> {
    let mut found = [0; N];
    for (index, name) in found.iter_mut().zip(names) {
        *index = table.column(name)?;
    }
    Some(found)
}

/// Sets a column by the first rule that finds something.
fn set<'v, 'm: 'v>(
    row: &mut Row<'v>,
    table: &TableBuilder,
    index: usize,
    column: &'m Column,
    scope: Scope<'v>,
    taken: &mut Vec<&'m Path>,
) -> Result<(), String> {
    for rule in &column.rules {
        if let Some(found) = rule.value(scope)? {
            row.set(table, index, found.cell)?;
            taken.extend(found.taken);
            if !row.is_null(index) {
                if found.made
                    && let Some(made) = table.column("made")
                {
                    row.push(made, Cow::Borrowed(column.name.as_str()));
                }
                return Ok(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
