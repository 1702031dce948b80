//! From what a write brings and what the lake knows to the rows of `conversations`.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use chrono::Utc;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, ListBuilder, RecordBatch, StringArray, StringBuilder, UInt32Array,
    new_null_array,
};
use datafusion::arrow::compute::interleave;
use datafusion::arrow::datatypes::DataType;

use super::batch::{TableBatch, time_array};
use super::check::Rejects;
use super::keys::{AsIs, Key, KeySet, Keyed};
use crate::ingest::IngestError;
use crate::ingest::rows::WriteMode;

/// Channel of a conversation that a statement begins without saying.
const STATEMENT_CHANNEL: &str = "chat";
/// Statuses of a conversation that goes on.
const GOING_ON: [&str; 3] = ["open", "pending", "hold"];

/// A conversation of the write.
#[derive(Debug, Default)]
struct Group {
    /// Its rows among those that the write brings, the latest last.
    given: Vec<usize>,
    /// Its row in the lake.
    old: Option<usize>,
    /// Its new messages.
    messages: Vec<usize>,
}

/// The conversations of a write, merged.
pub(super) struct Merged {
    /// Rows to append: new conversations and those that changed.
    pub(super) rows: RecordBatch,
    pub(super) new_conversations: u64,
    /// All conversations of the write, by [`Merged::group`].
    columns: Vec<ArrayRef>,
    /// The group of each message.
    pub(super) group: Vec<usize>,
    /// False for the messages of conversations that cannot go in.
    pub(super) keep: Vec<bool>,
    /// Conversations that cannot go in.
    pub(super) refused: KeySet,
}

/// Where the value of a column comes from.
const GIVEN: usize = 0;
const OLD: usize = 1;
const MESSAGE: usize = 2;
const NONE: (usize, usize) = (3, 0);

/// Merges. `messages` are the new ones; `old` are rows of the lake. Conversations in `pretended`
/// were found good by a dry run, which has no rows of them.
pub(super) fn merge(
    given: &TableBatch,
    messages: &TableBatch,
    old: Option<&TableBatch>,
    pretended: &Keyed<i32>,
    mode: WriteMode,
    rejects: &mut Rejects<'_>,
) -> Result<Merged, IngestError> {
    let (groups, group) = groups(given, messages, old)?;
    let times = Times::of(&groups, given, messages, old)?;
    let mut made = times.made.clone();
    let mut columns = Vec::with_capacity(given.columns.len());
    for (index, field) in given.schema.fields().iter().enumerate() {
        let name = field.name().as_str();
        let carried = messages
            .has(name)
            .then(|| messages.column(name))
            .transpose()?;
        let sources = [
            Arc::clone(&given.columns[index]),
            match old {
                Some(old) => Arc::clone(&old.columns[index]),
                None => new_null_array(field.data_type(), 0),
            },
            match (name, carried) {
                (
                    "conversation_id"
                    | "source"
                    | "source_conversation_id"
                    | "channel"
                    | "account_id"
                    | "source_customer_id",
                    Some(carried),
                ) => Arc::clone(carried),
                _ => new_null_array(field.data_type(), messages.len()),
            },
            new_null_array(field.data_type(), 1),
        ];
        let chosen: Vec<_> = groups.iter().map(|group| choose(group, &sources)).collect();
        let arrays: Vec<&dyn Array> = sources.iter().map(AsRef::as_ref).collect();
        columns.push(interleave(&arrays, &chosen)?);
    }
    let at = |name: &str| given.schema.index_of(name);
    let status = columns[at("status")?].as_string::<i32>().clone();
    let ended = times.ended(&groups, &columns[at("ended_at")?], &status, mode, &mut made);
    columns[at("started_at")?] = time_array(times.started);
    columns[at("first_human_at")?] = time_array(times.human);
    columns[at("last_activity_at")?] = time_array(times.last);
    columns[at("ended_at")?] = time_array(ended);
    let channel = at("channel")?;
    if mode == WriteMode::Statement && columns[channel].null_count() > 0 {
        let known = columns[channel].as_string::<i32>();
        let filled = known.iter().enumerate().map(|(row, known)| {
            if known.is_none() {
                made[row].push("channel");
            }
            Some(known.unwrap_or(STATEMENT_CHANNEL))
        });
        columns[channel] = Arc::new(filled.collect::<StringArray>());
    }
    columns[at("made")?] = made_array(&groups, given, old, &made)?;
    // Later than the version that it supersedes, whatever the clocks say.
    let now = Utc::now().timestamp_micros();
    let versions = groups.iter().map(|group| {
        let old = group
            .old
            .and_then(|row| Some(old?.times("version_at").ok()?.value(row)));
        Some(old.map_or(now, |old| now.max(old + 1)))
    });
    columns[at("version_at")?] = time_array(versions.collect());
    columns[at("ingested_at")?] = time_array(vec![Some(now); groups.len()]);

    let ids = columns[at("conversation_id")?].as_string::<i32>().clone();
    let key = |row: usize| Key::of(&[ids.value(row)]);
    let is_pretended = |row: usize| !pretended.is_empty() && pretended.contains_key(&key(row));
    let mut sound = vec![true; groups.len()];
    for name in ["channel", "started_at"] {
        let column = &columns[at(name)?];
        for row in (0..groups.len()).filter(|row| column.is_null(*row)) {
            if is_pretended(row) {
                continue;
            }
            if std::mem::replace(&mut sound[row], false) {
                refuse(&groups[row], given, messages, name, rejects)?;
            }
        }
    }
    let mut rows = Vec::new();
    let mut new_conversations = 0;
    for (row, group) in groups.iter().enumerate().filter(|(row, _)| sound[*row]) {
        match (group.old, old) {
            (Some(before), Some(old)) => {
                if differs(&columns, row, old, before, &given.schema) {
                    rows.push(row as u32);
                }
            }
            _ if group.messages.is_empty() && group.given.is_empty() => {}
            _ if is_pretended(row) => {}
            _ => {
                new_conversations += 1;
                rows.push(row as u32);
            }
        }
    }
    let all = RecordBatch::try_new(Arc::clone(&given.schema), columns.clone())?;
    let rows = datafusion::arrow::compute::take_record_batch(&all, &UInt32Array::from(rows))?;
    let keep = group.iter().map(|group| sound[*group]).collect();
    let refused = (0..groups.len()).filter(|row| !sound[*row]).map(key);
    Ok(Merged {
        refused: refused.collect(),
        rows,
        new_conversations,
        columns,
        group,
        keep,
    })
}

impl Merged {
    /// A column of the messages' conversations for the messages that have none of their own.
    pub(super) fn carry(
        &self,
        conversations: &TableBatch,
        messages: &TableBatch,
        name: &str,
    ) -> Result<ArrayRef, IngestError> {
        let own = messages.column(name)?;
        let theirs = &self.columns[conversations.schema.index_of(name)?];
        let chosen: Vec<_> = self
            .group
            .iter()
            .enumerate()
            .map(|(row, group)| {
                if own.is_valid(row) {
                    (0, row)
                } else {
                    (1, *group)
                }
            })
            .collect();
        Ok(interleave(&[own.as_ref(), theirs.as_ref()], &chosen)?)
    }
}

fn groups(
    given: &TableBatch,
    messages: &TableBatch,
    old: Option<&TableBatch>,
) -> Result<(Vec<Group>, Vec<usize>), IngestError> {
    let mut groups: Vec<Group> = Vec::new();
    let mut by_id: HashMap<Key, usize, BuildHasherDefault<AsIs>> = HashMap::default();
    let mut find = |groups: &mut Vec<Group>, id: &str| {
        *by_id.entry(Key::of(&[id])).or_insert_with(|| {
            groups.push(Group::default());
            groups.len() - 1
        })
    };
    for (row, id) in given.texts("conversation_id")?.iter().enumerate() {
        let group = find(&mut groups, id.unwrap_or_default());
        groups[group].given.push(row);
    }
    let mut of_messages = Vec::with_capacity(messages.len());
    let mut last: Option<(&str, usize)> = None;
    for (row, id) in messages.texts("conversation_id")?.iter().enumerate() {
        let id = id.unwrap_or_default();
        let group = match last {
            Some((before, group)) if before == id => group,
            _ => find(&mut groups, id),
        };
        last = Some((id, group));
        groups[group].messages.push(row);
        of_messages.push(group);
    }
    if let Some(old) = old {
        for (row, id) in old.texts("conversation_id")?.iter().enumerate() {
            let group = find(&mut groups, id.unwrap_or_default());
            groups[group].old = Some(row);
        }
    }
    Ok((groups, of_messages))
}

/// The newest value that is given, else the one in the lake, else that of the first message.
fn choose(group: &Group, sources: &[ArrayRef; 4]) -> (usize, usize) {
    if let Some(row) = group
        .given
        .iter()
        .rev()
        .find(|row| sources[GIVEN].is_valid(**row))
    {
        return (GIVEN, *row);
    }
    match group.old {
        Some(row) if sources[OLD].is_valid(row) => return (OLD, row),
        _ => {}
    }
    match group
        .messages
        .iter()
        .find(|row| sources[MESSAGE].is_valid(**row))
    {
        Some(row) => (MESSAGE, *row),
        None => NONE,
    }
}

/// The times of the conversations, from all that is known.
struct Times {
    started: Vec<Option<i64>>,
    human: Vec<Option<i64>>,
    last: Vec<Option<i64>>,
    /// The time of the last new message.
    last_message: Vec<Option<i64>>,
    /// Columns whose value comes from a time that was made up.
    made: Vec<Vec<&'static str>>,
}

impl Times {
    fn of(
        groups: &[Group],
        given: &TableBatch,
        messages: &TableBatch,
        old: Option<&TableBatch>,
    ) -> Result<Times, IngestError> {
        let (sent, roles) = (messages.times("sent_at")?, messages.texts("role")?);
        let private = messages.flags("is_private")?;
        let made_of_message = messages.list("made")?;
        let none = || vec![None; groups.len()];
        let mut times = Times {
            started: none(),
            human: none(),
            last: none(),
            last_message: none(),
            made: vec![Vec::new(); groups.len()],
        };
        for name in ["started_at", "first_human_at", "last_activity_at"] {
            let given = given.times(name)?;
            let old = old.map(|old| old.times(name)).transpose()?;
            for (index, group) in groups.iter().enumerate() {
                let known = group.given.iter().filter(|row| given.is_valid(**row));
                let known = known.map(|row| given.value(*row));
                let before = group
                    .old
                    .zip(old)
                    .and_then(|(row, old)| old.is_valid(row).then(|| old.value(row)));
                for time in known.chain(before) {
                    match name {
                        "started_at" => earlier(&mut times.started[index], time),
                        "first_human_at" => earlier(&mut times.human[index], time),
                        _ => later(&mut times.last[index], time),
                    }
                }
            }
        }
        for (index, group) in groups.iter().enumerate() {
            let mut made = false;
            for row in group.messages.iter().filter(|row| sent.is_valid(**row)) {
                let time = sent.value(*row);
                earlier(&mut times.started[index], time);
                later(&mut times.last[index], time);
                later(&mut times.last_message[index], time);
                let human = matches!(roles.value(*row), "agent" | "supervisor");
                // A private note is no part in the conversation.
                if human && !(private.is_valid(*row) && private.value(*row)) {
                    earlier(&mut times.human[index], time);
                }
                made |= holds(made_of_message, *row, "sent_at");
            }
            if made {
                times.made[index].extend(["started_at", "last_activity_at"]);
                if times.human[index].is_some() {
                    times.made[index].push("first_human_at");
                }
            }
        }
        Ok(times)
    }

    /// When the conversations ended. What is imported has ended with its last message unless its
    /// status says that it goes on; what a statement writes may go on.
    fn ended(
        &self,
        groups: &[Group],
        known: &ArrayRef,
        status: &StringArray,
        mode: WriteMode,
        made: &mut [Vec<&'static str>],
    ) -> Vec<Option<i64>> {
        let known = known.as_primitive::<datafusion::arrow::datatypes::TimestampMicrosecondType>();
        let ended = (0..groups.len()).map(|row| {
            let status = status.is_valid(row).then(|| status.value(row));
            if status.is_some_and(|status| GOING_ON.contains(&status)) {
                return None;
            }
            let over = status.is_some() || known.is_valid(row) || mode != WriteMode::Statement;
            let mut ended = known.is_valid(row).then(|| known.value(row));
            if let Some(last) = self.last_message[row].filter(|_| over) {
                later(&mut ended, last);
                if made[row].contains(&"last_activity_at") {
                    made[row].push("ended_at");
                }
            }
            ended
        });
        ended.collect()
    }
}

fn earlier(known: &mut Option<i64>, time: i64) {
    *known = Some(known.map_or(time, |known| known.min(time)));
}

fn later(known: &mut Option<i64>, time: i64) {
    *known = Some(known.map_or(time, |known| known.max(time)));
}

fn holds(list: &datafusion::arrow::array::ListArray, row: usize, wanted: &str) -> bool {
    list.is_valid(row)
        && list
            .value(row)
            .as_string_opt::<i32>()
            .is_some_and(|items| items.iter().flatten().any(|item| item == wanted))
}

/// The columns that were made, now or before.
fn made_array(
    groups: &[Group],
    given: &TableBatch,
    old: Option<&TableBatch>,
    made: &[Vec<&'static str>],
) -> Result<ArrayRef, IngestError> {
    let index = given.schema.index_of("made")?;
    let mut out = ListBuilder::new(StringBuilder::new());
    if let DataType::List(item) = given.schema.field(index).data_type() {
        out = out.with_field(Arc::clone(item));
    }
    let (given, old) = (
        given.list("made")?,
        old.map(|old| old.list("made")).transpose()?,
    );
    for (group, made) in groups.iter().zip(made) {
        let mut names: Vec<String> = Vec::new();
        let before = old.zip(group.old);
        let lists = group.given.iter().map(|row| (given, *row)).chain(before);
        for (list, row) in lists.filter(|(list, row)| list.is_valid(*row)) {
            if let Some(items) = list.value(row).as_string_opt::<i32>() {
                names.extend(items.iter().flatten().map(String::from));
            }
        }
        names.extend(made.iter().map(|name| name.to_string()));
        names.sort_unstable();
        names.dedup();
        match names.is_empty() {
            true => out.append_null(),
            false => out.append_value(names.iter().map(Some)),
        }
    }
    Ok(Arc::new(out.finish()))
}

/// Whether a merged row says anything new.
fn differs(
    columns: &[ArrayRef],
    row: usize,
    old: &TableBatch,
    before: usize,
    schema: &datafusion::arrow::datatypes::Schema,
) -> bool {
    columns
        .iter()
        .zip(&old.columns)
        .zip(schema.fields())
        .any(|((new, old), field)| {
            !matches!(field.name().as_str(), "version_at" | "ingested_at")
                && new.slice(row, 1).as_ref() != old.slice(before, 1).as_ref()
        })
}

fn refuse(
    group: &Group,
    given: &TableBatch,
    messages: &TableBatch,
    column: &str,
    rejects: &mut Rejects<'_>,
) -> Result<(), IngestError> {
    let reason = match column {
        "channel" => {
            "is required for a new conversation: give it in the file, the mapping or with \
                      --channel"
        }
        _ => "is required for a conversation without messages",
    };
    for row in &group.messages {
        rejects.add("messages", messages.numbers[*row], column, reason.into())?;
    }
    if group.messages.is_empty() {
        for row in &group.given {
            rejects.add("conversations", given.numbers[*row], column, reason.into())?;
        }
    }
    Ok(())
}
