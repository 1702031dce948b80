//! The write path that import, INSERT and COPY share.

use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use datafusion::prelude::SessionContext;
use verbatim::ingest::{Ingest, IngestError, Rows, Score, WriteMode, writable};
use verbatim::lake::{Lake, LakeOptions};
use verbatim_udfs::model::ModelSet;

use super::{Fixture, message};

impl Fixture {
    /// Runs a statement against tables that can be written.
    pub async fn run(&self, sql: &str) -> Result<Vec<String>, String> {
        let context = SessionContext::new();
        for table in self.lake.tables() {
            let name = table.name();
            let table = writable(table.provider(), name, Arc::clone(&self.ingest));
            context.register_table(name, table).unwrap();
        }
        let plan = context.sql(sql).await.map_err(|error| error.to_string())?;
        let rows = plan
            .collect()
            .await
            .map_err(|error| verbatim::Error::from(error).to_string())?;
        Ok(super::lines(&rows))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn insert_creates_the_conversation_and_is_durable() {
    let fixture = Fixture::new().await;
    let insert = "INSERT INTO messages (conversation_id, message_id, role, sent_at, text) VALUES
        ('c1', 'a', 'customer', '2024-03-01T10:00:00Z', 'hello'),
        ('c1', 'b', 'agent', '2024-03-01T10:01:00Z', 'hi'),
        ('crm:c2', 'a', 'customer', '2024-03-01T10:02:00Z', 'again')";
    assert_eq!(fixture.run(insert).await.unwrap(), ["3"]);
    // The same statement again: everything is there.
    assert_eq!(fixture.run(insert).await.unwrap(), ["0"]);
    // Another process sees it at once.
    let path = fixture.folder.path().join("lake");
    let other = Lake::open(path.to_str().unwrap(), LakeOptions::default())
        .await
        .unwrap();
    assert_eq!(
        other
            .table("messages")
            .unwrap()
            .snapshot()
            .await
            .unwrap()
            .records(),
        3
    );
    let messages = "SELECT conversation_id, source, message_id, turn_index, channel, is_private,
        content_type FROM messages ORDER BY sent_at";
    assert_eq!(
        fixture.rows(messages).await,
        [
            "c1|sql|a|0|chat|false|message",
            "c1|sql|b|1|chat|false|message",
            "crm:c2|crm|a|0|chat|false|message",
        ]
    );
    let conversations =
        "SELECT conversation_id, channel, made, started_at, first_human_at, ended_at
        FROM conversations ORDER BY 1";
    assert_eq!(
        fixture.rows(conversations).await,
        [
            "c1|chat|[channel]|2024-03-01T10:00:00Z|2024-03-01T10:01:00Z|NULL",
            "crm:c2|chat|[channel]|2024-03-01T10:02:00Z|NULL|NULL",
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_message_makes_a_new_version_of_its_conversation() {
    let fixture = Fixture::new().await;
    let insert = |id: &str, minute: u32| {
        format!(
            "INSERT INTO messages (conversation_id, message_id, role, sent_at) VALUES
            ('c1', '{id}', 'customer', '2024-03-01T10:{minute:02}:00Z')"
        )
    };
    fixture.run(&insert("a", 5)).await.unwrap();
    fixture
        .run(
            "INSERT INTO conversations (conversation_id, subject, csat)
        VALUES ('c1', 'Parcel', 3)",
        )
        .await
        .unwrap();
    fixture.run(&insert("b", 9)).await.unwrap();
    fixture.run(&insert("c", 2)).await.unwrap();
    let conversation =
        "SELECT subject, csat, started_at, last_activity_at, source FROM conversations";
    assert_eq!(
        fixture.rows(conversation).await,
        ["Parcel|3.0|2024-03-01T10:02:00Z|2024-03-01T10:09:00Z|sql"]
    );
    // Turns are numbered as they arrive.
    let turns = fixture
        .rows("SELECT message_id, turn_index FROM messages ORDER BY 1")
        .await;
    assert_eq!(turns, ["a|0", "b|1", "c|2"]);
    // Closing ends it with the last message.
    fixture
        .run("INSERT INTO conversations (conversation_id, status) VALUES ('c1', 'closed')")
        .await
        .unwrap();
    fixture.run(&insert("d", 11)).await.unwrap();
    let ended = fixture
        .rows("SELECT status, ended_at FROM conversations")
        .await;
    assert_eq!(ended, ["closed|2024-03-01T10:11:00Z"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_row_fails_the_whole_statement() {
    let fixture = Fixture::new().await;
    for (columns, values, wanted) in [
        (
            "role",
            "'client'",
            "row 2: role: \"client\" is none of customer",
        ),
        ("sent_at", "NULL", "null values"),
        ("sent_at", "TIMESTAMP '1970-01-01'", "cannot be right"),
        (
            "sentiment",
            "0.5",
            "\"sentiment\" of \"messages\" is a score",
        ),
        ("attributes", "'{'", "row 2: attributes: is not JSON"),
    ] {
        let value = |column: &str, usual: &str| match column == columns {
            true => values.to_string(),
            false => usual.to_string(),
        };
        let extra = !matches!(columns, "role" | "sent_at");
        let sql = format!(
            "INSERT INTO messages (conversation_id, message_id, role, sent_at{}) VALUES
            ('c', 'a', 'customer', TIMESTAMP '2024-03-01 10:00:00'{}),
            ('c', 'b', {}, {}{})",
            if extra {
                format!(", {columns}")
            } else {
                String::new()
            },
            if extra { ", NULL" } else { "" },
            value("role", "'customer'"),
            value("sent_at", "TIMESTAMP '2024-03-01 10:01:00'"),
            if extra {
                format!(", {values}")
            } else {
                String::new()
            },
        );
        let error = fixture.run(&sql).await.unwrap_err();
        assert!(error.contains(wanted), "{wanted}: {error}");
        assert_eq!(fixture.count("messages").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn annotations_and_events_get_ids() {
    let fixture = Fixture::new().await;
    fixture
        .run(
            "INSERT INTO annotations (conversation_id, label, value, source)
        VALUES ('c1', 'intent', 'refund', 'human')",
        )
        .await
        .unwrap();
    fixture
        .run(
            "INSERT INTO events (conversation_id, at, event_type)
        VALUES ('c1', TIMESTAMP '2024-03-01 10:00:00', 'handoff')",
        )
        .await
        .unwrap();
    let found = "SELECT a.value, e.event_type, length(a.annotation_id), length(e.event_id)
        FROM annotations a JOIN events e ON a.conversation_id = e.conversation_id";
    assert_eq!(fixture.rows(found).await, ["refund|handoff|36|36"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_one_process_and_of_others_add_every_message_once() {
    let fixture = Fixture::new().await;
    let path = fixture.folder.path().join("lake");
    let others = Lake::open(path.to_str().unwrap(), LakeOptions::default())
        .await
        .unwrap();
    let writers = [Arc::clone(&fixture.ingest), Ingest::new(others)];
    // Each file holds messages of the others too, over 100 conversations.
    let files: Vec<_> = (0..6)
        .map(|file| {
            let lines = (0..300).map(|number| {
                let number = (number + file * 50) % 400;
                message(
                    &format!("c{}", number % 100),
                    &format!("m{number}"),
                    "customer",
                    number / 100,
                    "hello",
                )
            });
            fixture.file(
                &format!("{file}.jsonl"),
                lines.collect::<Vec<_>>().join("\n"),
            )
        })
        .collect();
    let imports = files.into_iter().enumerate().map(|(number, file)| {
        let ingest = Arc::clone(&writers[number % 2]);
        tokio::spawn(async move {
            let options = verbatim::ingest::ImportOptions {
                inputs: vec![file.display().to_string()],
                batch_rows: 70,
                ..Default::default()
            };
            verbatim::ingest::import(&ingest, &options, &())
                .await
                .unwrap()
        })
    });
    let mut added = 0;
    for import in imports.collect::<Vec<_>>() {
        added += import.await.unwrap().messages;
    }
    assert_eq!(added, 400);
    let lake = Lake::open(path.to_str().unwrap(), LakeOptions::default())
        .await
        .unwrap();
    let fresh = Fixture {
        folder: fixture.folder,
        ingest: Ingest::new(Arc::clone(&lake)),
        lake,
    };
    let found =
        "SELECT count(*), count(DISTINCT concat(conversation_id, message_id)) FROM messages";
    assert_eq!(fresh.rows(found).await, ["400|400"]);
    assert_eq!(fresh.count("conversations").await, 100);
    let numbers =
        "SELECT count(*) FROM (SELECT conversation_id, count(DISTINCT turn_index) AS turns,
        max(turn_index) AS last FROM messages GROUP BY 1) AS c WHERE turns <> 4 OR last <> 3";
    assert_eq!(fresh.rows(numbers).await, ["0"]);
}

/// Takes its time.
struct Slow;

impl Score for Slow {
    fn score(
        &self,
        messages: &RecordBatch,
        _models: &ModelSet,
    ) -> Result<RecordBatch, IngestError> {
        #[allow(
            clippy::disallowed_methods,
            reason = "runs on a thread for blocking work"
        )]
        std::thread::sleep(Duration::from_millis(500));
        Ok(messages.clone())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_nobody_waits_for_is_given_up_before_it_is_durable() {
    let fixture = Fixture::new().await;
    let texts = |value: &str| Arc::new(StringArray::from(vec![value])) as ArrayRef;
    let time = TimestampMicrosecondArray::from(vec![1_700_000_000_000_000]).with_timezone("UTC");
    let row = |id: &str| {
        let columns = [
            ("conversation_id", texts("c1")),
            ("message_id", texts(id)),
            ("role", texts("customer")),
            ("sent_at", Arc::new(time.clone()) as ArrayRef),
            ("text", texts("hello")),
        ];
        Rows::of("messages", RecordBatch::try_from_iter(columns).unwrap())
    };
    let slow = Ingest::with_score(Arc::clone(&fixture.lake), Arc::new(Slow));
    let write = slow.write(row("a"), WriteMode::Statement);
    let waited = tokio::time::timeout(Duration::from_millis(100), write).await;
    assert!(waited.is_err());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let count = "SELECT count(*) FROM messages";
    assert_eq!(fixture.rows(count).await, ["0"]);
    // The next one is not in its way.
    slow.write(row("a"), WriteMode::Statement).await.unwrap();
    assert_eq!(fixture.rows(count).await, ["1"]);
}
