//! The demo's world and conversations as rows of the built-in tables.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::error::ArrowError;

use super::TableRows;
use super::conversation::{Conversation, Event, Message, SOURCES};
use super::world::{Micros, Person, World};

/// The id by which the source of `channel` knows `person`.
pub(super) fn customer_at(person: &Person, channel: usize) -> String {
    let number = person.number;
    match SOURCES[channel] {
        "mail" => format!("{}.{number}@example.com", person.name.to_lowercase()),
        "phone" => format!("+1555{number:07}"),
        "social" => format!("@{}{number}", person.name.to_lowercase()),
        source => format!("{source}-user-{number}"),
    }
}

fn text<T: AsRef<str>>(values: impl Iterator<Item = Option<T>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn always<T: AsRef<str>>(values: impl Iterator<Item = T>) -> ArrayRef {
    text(values.map(Some))
}

fn time(values: impl Iterator<Item = Option<Micros>>) -> ArrayRef {
    Arc::new(
        values
            .collect::<TimestampMicrosecondArray>()
            .with_timezone("UTC"),
    )
}

fn number(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.collect::<Float64Array>())
}

/// Accounts, identities, agents and releases.
pub(super) fn master_data(world: &World) -> Result<TableRows, ArrowError> {
    let accounts = || world.accounts.iter();
    let accounts = RecordBatch::try_from_iter([
        ("account_id", always(accounts().map(|account| &account.id))),
        ("name", always(accounts().map(|account| &account.name))),
        ("segment", always(accounts().map(|account| account.segment))),
        ("plan", always(accounts().map(|account| account.plan))),
        ("mrr", number(accounts().map(|account| Some(account.mrr)))),
        (
            "created_at",
            time(accounts().map(|account| Some(account.created_at))),
        ),
        (
            "renewal_at",
            time(accounts().map(|account| Some(account.renewal_at))),
        ),
        (
            "churned_at",
            time(accounts().map(|account| account.churned_at)),
        ),
        (
            "is_trial",
            Arc::new(
                accounts()
                    .map(|account| Some(account.plan == "trial"))
                    .collect::<BooleanArray>(),
            ),
        ),
        (
            "version_at",
            time(accounts().map(|account| Some(account.created_at))),
        ),
    ])?;

    let known: Vec<(usize, &Person)> = world
        .people
        .iter()
        .filter(|person| person.identified)
        .flat_map(|person| (0..SOURCES.len()).map(move |channel| (channel, person)))
        .collect();
    let known = || known.iter();
    let account_of = |person: &Person| &world.accounts[person.account];
    let identities = RecordBatch::try_from_iter([
        (
            "source",
            always(known().map(|(channel, _)| SOURCES[*channel])),
        ),
        (
            "source_customer_id",
            always(known().map(|(channel, person)| customer_at(person, *channel))),
        ),
        (
            "customer_id",
            always(known().map(|(_, person)| format!("person-{:05}", person.number))),
        ),
        (
            "account_id",
            always(known().map(|(_, person)| &account_of(person).id)),
        ),
        ("method", always(known().map(|_| "import"))),
        (
            "version_at",
            time(known().map(|(_, person)| Some(account_of(person).created_at))),
        ),
    ])?;

    let agents = || world.agents.iter().chain([&world.lead]);
    let hired = world.releases.first().map(|release| release.released_at);
    let agents = RecordBatch::try_from_iter([
        ("agent_id", always(agents().map(|agent| &agent.id))),
        ("name", always(agents().map(|agent| agent.name))),
        ("team_id", always(agents().map(|agent| agent.team))),
        ("supervisor_id", always(agents().map(|_| &world.lead.id))),
        ("version_at", time(agents().map(|_| hired))),
    ])?;

    let releases = || world.releases.iter();
    let releases = RecordBatch::try_from_iter([
        ("release", always(releases().map(|release| release.name))),
        ("product", always(releases().map(|_| "Tandem"))),
        (
            "released_at",
            time(releases().map(|release| Some(release.released_at))),
        ),
        ("notes", always(releases().map(|release| release.notes))),
        (
            "version_at",
            time(releases().map(|release| Some(release.released_at))),
        ),
    ])?;
    Ok(vec![
        ("accounts", accounts),
        ("customer_identities", identities),
        ("agents", agents),
        ("releases", releases),
    ])
}

/// Rows of `conversations`, `messages` and `events`.
pub(super) fn conversation_rows(batch: &[Conversation]) -> Result<TableRows, ArrowError> {
    Ok(vec![
        ("conversations", conversations(batch)?),
        ("messages", messages(batch)?),
        ("events", events(batch)?),
    ])
}

fn native_id(conversation: &Conversation) -> String {
    format!("d{:06}", conversation.number)
}

fn conversations(batch: &[Conversation]) -> Result<RecordBatch, ArrowError> {
    let all = || batch.iter();
    RecordBatch::try_from_iter([
        ("conversation_id", always(all().map(|one| &one.id))),
        ("source", always(all().map(|one| one.source))),
        ("source_conversation_id", always(all().map(native_id))),
        (
            "previous_conversation_id",
            text(all().map(|one| one.previous.as_ref())),
        ),
        ("channel", always(all().map(|one| one.channel))),
        ("source_customer_id", always(all().map(|one| &one.customer))),
        ("account_id", always(all().map(|one| &one.account))),
        ("customer_segment", always(all().map(|one| one.segment))),
        ("plan", always(all().map(|one| one.plan))),
        ("release", always(all().map(|one| one.release))),
        ("started_at", time(all().map(|one| Some(one.started_at)))),
        ("first_human_at", time(all().map(|one| one.first_human_at))),
        ("ended_at", time(all().map(|one| one.ended_at))),
        (
            "last_activity_at",
            time(all().map(|one| Some(one.last_activity_at))),
        ),
        ("status", always(all().map(|one| one.status))),
        ("resolved_by", text(all().map(|one| one.resolved_by))),
        ("queue_id", always(all().map(|one| one.queue))),
        ("team_id", text(all().map(|one| one.team))),
        (
            "primary_agent_id",
            text(all().map(|one| one.agent.as_ref())),
        ),
        ("bot_id", text(all().map(|one| one.bot))),
        ("bot_version", text(all().map(|one| one.bot.map(|_| "2.3")))),
        ("language", always(all().map(|_| "en"))),
        ("subject", text(all().map(|one| one.subject.as_ref()))),
        ("csat", number(all().map(|one| one.csat))),
        ("nps", number(all().map(|one| one.nps))),
        (
            "attributes",
            always(all().map(|one| {
                let (truth, leaving) = (one.scenario, one.leaving);
                format!("{{\"planted\":{{\"scenario\":\"{truth}\",\"leaving\":{leaving}}}}}")
            })),
        ),
        (
            "version_at",
            time(all().map(|one| Some(one.last_activity_at))),
        ),
    ])
}

fn messages(batch: &[Conversation]) -> Result<RecordBatch, ArrowError> {
    let mut rows: Vec<(usize, &Conversation, &Message)> = Vec::new();
    for one in batch {
        rows.extend(
            one.messages
                .iter()
                .enumerate()
                .map(|(turn, message)| (turn, one, message)),
        );
    }
    let all = || {
        rows.iter()
            .map(|(turn, one, message)| (*turn, *one, *message))
    };
    let spoken = |one: &Conversation| one.channel == "voice";
    RecordBatch::try_from_iter([
        ("conversation_id", always(all().map(|(_, one, _)| &one.id))),
        (
            "message_id",
            always(all().map(|(turn, _, _)| format!("m{turn:03}"))),
        ),
        ("source", always(all().map(|(_, one, _)| one.source))),
        (
            "source_conversation_id",
            always(all().map(|(_, one, _)| native_id(one))),
        ),
        (
            "source_message_id",
            always(all().map(|(turn, _, _)| format!("m{turn:03}"))),
        ),
        (
            "turn_index",
            Arc::new(
                all()
                    .map(|(turn, _, _)| i32::try_from(turn).ok())
                    .collect::<Int32Array>(),
            ),
        ),
        ("role", always(all().map(|(_, _, message)| message.role))),
        (
            "author_id",
            always(all().map(|(_, _, message)| &message.author)),
        ),
        (
            "sent_at",
            time(all().map(|(_, _, message)| Some(message.at))),
        ),
        (
            "text",
            text(all().map(|(_, _, message)| message.text.as_ref())),
        ),
        (
            "content_type",
            always(all().map(|(_, _, message)| message.content_type)),
        ),
        (
            "is_private",
            Arc::new(
                all()
                    .map(|(_, _, message)| Some(message.is_private))
                    .collect::<BooleanArray>(),
            ),
        ),
        ("channel", always(all().map(|(_, one, _)| one.channel))),
        ("account_id", always(all().map(|(_, one, _)| &one.account))),
        (
            "source_customer_id",
            always(all().map(|(_, one, _)| &one.customer)),
        ),
        (
            "asr_confidence",
            number(all().map(|(turn, one, _)| {
                spoken(one).then(|| 0.8 + ((one.number * 31 + turn * 7) % 19) as f64 / 100.0)
            })),
        ),
        (
            "attributes",
            text(all().map(|(_, _, message)| message.attributes.as_ref())),
        ),
    ])
}

fn events(batch: &[Conversation]) -> Result<RecordBatch, ArrowError> {
    let mut rows: Vec<(usize, &Conversation, &Event)> = Vec::new();
    for one in batch {
        rows.extend(
            one.events
                .iter()
                .enumerate()
                .map(|(at, event)| (at, one, event)),
        );
    }
    let all = || rows.iter().map(|(at, one, event)| (*at, *one, *event));
    RecordBatch::try_from_iter([
        ("conversation_id", always(all().map(|(_, one, _)| &one.id))),
        (
            "event_id",
            always(all().map(|(at, _, _)| format!("e{at:03}"))),
        ),
        ("source", always(all().map(|(_, one, _)| one.source))),
        (
            "source_conversation_id",
            always(all().map(|(_, one, _)| native_id(one))),
        ),
        ("at", time(all().map(|(_, _, event)| Some(event.at)))),
        ("event_type", always(all().map(|(_, _, event)| event.kind))),
        (
            "actor_type",
            always(all().map(|(_, _, event)| event.actor_type)),
        ),
        (
            "actor_id",
            text(all().map(|(_, _, event)| event.actor.as_ref())),
        ),
        ("cause", text(all().map(|(_, _, event)| event.cause))),
        (
            "from_value",
            text(all().map(|(_, _, event)| event.from.as_ref())),
        ),
        (
            "to_value",
            text(all().map(|(_, _, event)| event.to.as_ref())),
        ),
        (
            "turn_index",
            Arc::new(
                all()
                    .map(|(_, _, event)| i32::try_from(event.turn).ok())
                    .collect::<Int32Array>(),
            ),
        ),
    ])
}
