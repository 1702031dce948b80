//! The same conversations in every form come out the same.

use std::io::Write;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMillisecondArray};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use verbatim::ingest::{Batch, ImportOptions, Progress, Receipt, import};

use super::{Fixture, message};

const QUERY: &str = "SELECT conversation_id, message_id, turn_index, role, channel, sent_at, text
    FROM messages ORDER BY conversation_id, sent_at";

fn records() -> Vec<String> {
    let mut out = Vec::new();
    for conversation in ["c1", "c2", "c3"] {
        for (minute, role) in [(0, "customer"), (1, "tool"), (2, "agent"), (3, "customer")] {
            let text = format!("{role} says \"{minute}\", in\ntwo lines");
            out.push(message(
                conversation,
                &format!("m{minute}"),
                role,
                minute,
                &text,
            ));
        }
    }
    out
}

fn expected() -> Vec<String> {
    let mut out = Vec::new();
    for conversation in ["c1", "c2", "c3"] {
        for (minute, role, turn) in [
            (0, "customer", "0"),
            (1, "tool", "NULL"),
            (2, "agent", "1"),
            (3, "customer", "2"),
        ] {
            out.push(format!(
                "test:{conversation}|m{minute}|{turn}|{role}|chat|2024-03-01T10:0{minute}:00Z|\
                 {role} says \"{minute}\", in\ntwo lines"
            ));
        }
    }
    out
}

async fn same(name: &str, content: Vec<u8>) {
    let fixture = Fixture::new().await;
    let path = fixture.file(name, content);
    let (report, rejects) = fixture.import(&path).await;
    assert_eq!(rejects, Vec::new(), "{name}");
    assert_eq!((report.messages, report.conversations), (12, 3), "{name}");
    assert_eq!(fixture.rows(QUERY).await, expected(), "{name}");
    let conversations = "SELECT conversation_id, source_conversation_id, channel, started_at,
        first_human_at, ended_at, last_activity_at FROM conversations ORDER BY 1 LIMIT 1";
    assert_eq!(
        fixture.rows(conversations).await,
        [
            "test:c1|c1|chat|2024-03-01T10:00:00Z|2024-03-01T10:02:00Z|2024-03-01T10:03:00Z|\
          2024-03-01T10:03:00Z"
        ],
        "{name}"
    );
    let versions = fixture.versions().await;
    let (again, _) = fixture.import(&path).await;
    assert_eq!((again.messages, again.duplicates), (0, 12), "{name}");
    assert_eq!(
        fixture.versions().await,
        versions,
        "{name} wrote something again"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_in_lines_arrays_and_values() {
    same("lines.jsonl", records().join("\n").into_bytes()).await;
    same("crlf.jsonl", records().join("\r\n").into_bytes()).await;
    same(
        "array.json",
        format!("[\n  {}\n]", records().join(",\n  ")).into_bytes(),
    )
    .await;
    let pretty = records().into_iter().map(|record| {
        let value: serde_json::Value = serde_json::from_str(&record).unwrap();
        serde_json::to_string_pretty(&value).unwrap()
    });
    same(
        "values.json",
        pretty.collect::<Vec<_>>().join("\n").into_bytes(),
    )
    .await;
    same(
        "bom.jsonl",
        format!("\u{feff}{}", records().join("\n")).into_bytes(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compressed() {
    let text = records().join("\n");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    same("lines.jsonl.gz", gzip.finish().unwrap()).await;
    same(
        "lines.jsonl.zst",
        zstd::encode_all(text.as_bytes(), 3).unwrap(),
    )
    .await;
}

fn column(name: &str) -> Vec<Option<String>> {
    let values = records().into_iter().map(|record| {
        let value: serde_json::Value = serde_json::from_str(&record).unwrap();
        value[name].as_str().map(String::from)
    });
    values.collect()
}

const NAMES: [&str; 7] = [
    "source",
    "conversation_id",
    "message_id",
    "role",
    "channel",
    "sent_at",
    "text",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn csv() {
    let mut text = format!("\u{feff}{}\r\n", NAMES.join(","));
    let columns: Vec<_> = NAMES.iter().map(|name| column(name)).collect();
    for row in 0..columns[0].len() {
        let fields: Vec<_> = columns
            .iter()
            .map(|column| format!("\"{}\"", column[row].clone().unwrap().replace('"', "\"\"")))
            .collect();
        text.push_str(&format!("{}\r\n", fields.join(",")));
    }
    same("messages.csv", text.into_bytes()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parquet() {
    let columns = NAMES.iter().map(|name| {
        let values = column(name);
        let array: ArrayRef = match *name {
            // Other units than ours are converted.
            "sent_at" => Arc::new(TimestampMillisecondArray::from_iter_values(
                values.iter().map(|time| {
                    let time = chrono::DateTime::parse_from_rfc3339(time.as_deref().unwrap());
                    time.unwrap().timestamp_millis()
                }),
            )),
            _ => Arc::new(StringArray::from(values)),
        };
        (*name, array)
    });
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let bytes = parquet_of(&batch, None);
    same("messages.parquet", bytes.clone()).await;
    // From an object store the file is read range by range.
    let fixture = Fixture::new().await;
    let path = fixture.file("messages.parquet", bytes);
    let (report, _) = fixture.import(format!("file://{}", path.display())).await;
    assert_eq!(report.messages, 12);
}

/// A batch as a Parquet file.
pub(super) fn parquet_of(batch: &RecordBatch, properties: Option<WriterProperties>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), properties).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// Messages with these texts, and further columns.
fn messages_with(texts: Vec<String>, more: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let rows = texts.len();
    let all = |text: &str| Arc::new(StringArray::from(vec![text; rows])) as ArrayRef;
    let ids = (0..rows).map(|row| format!("m{row:06}"));
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
    let mut columns = vec![
        ("source", all("s")),
        ("conversation_id", all("c")),
        ("message_id", ids),
        ("role", all("customer")),
        ("channel", all("chat")),
        ("sent_at", all("2024-03-01T10:00:00Z")),
        ("text", Arc::new(StringArray::from(texts))),
    ];
    columns.extend(more);
    RecordBatch::try_from_iter(columns).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parquet_keeps_what_the_table_has_no_columns_for() {
    let fixture = Fixture::new().await;
    let texts = ["", "b", "c", "d"].map(String::from).to_vec();
    let attributes = StringArray::from(vec![Some("{\"a\":1}"), None, Some("[]"), Some("")]);
    let extra = StringArray::from(vec![Some("x"), Some("y"), Some("z"), None]);
    let more: Vec<(&str, ArrayRef)> = vec![
        ("attributes", Arc::new(attributes)),
        ("extra", Arc::new(extra)),
    ];
    let path = fixture.file("in.parquet", parquet_of(&messages_with(texts, more), None));
    let (report, rejects) = fixture.import(&path).await;
    assert_eq!((report.messages, rejects.len()), (3, 1));
    assert_eq!(
        (rejects[0].line, rejects[0].field.as_str()),
        (3, "attributes")
    );
    assert_eq!(
        fixture
            .rows("SELECT text, attributes FROM messages ORDER BY message_id")
            .await,
        [
            "NULL|{\"a\":1,\"extra\":\"x\"}",
            "b|{\"extra\":\"y\"}",
            "d|NULL"
        ]
    );
}

/// The batches of an import.
#[derive(Default)]
struct Batches(parking_lot::Mutex<Vec<u64>>);

impl Progress for Batches {
    fn acknowledged(&self, batch: &Batch, _: &Receipt) {
        let rows = batch.last_line + 1 - batch.first_line;
        self.0.lock().push(rows);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parquet_with_large_rows_comes_in_small_batches() {
    // Plain, and as a dictionary that the file does not give the size of.
    let plain = WriterProperties::builder().set_dictionary_enabled(false);
    let statistics = WriterProperties::builder().set_statistics_enabled(EnabledStatistics::None);
    for properties in [plain.build(), statistics.build()] {
        let fixture = Fixture::new().await;
        let mut texts = vec!["a".repeat(1 << 20); 80];
        texts.push("b".repeat(3 << 20));
        let bytes = parquet_of(&messages_with(texts, Vec::new()), Some(properties));
        let path = fixture.file("in.parquet", bytes);
        let options = ImportOptions {
            inputs: vec![path.display().to_string()],
            record_limit: 2 << 20,
            dry_run: true,
            ..ImportOptions::default()
        };
        let batches = Batches::default();
        let report = import(&fixture.ingest, &options, &batches).await.unwrap();
        assert_eq!((report.messages, report.rejected), (80, 1));
        let batches = batches.0.into_inner();
        assert!(batches.iter().all(|rows| *rows <= 32), "{batches:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patterns_take_all_files_and_batches_may_be_of_any_size() {
    let fixture = Fixture::new().await;
    for (number, part) in records().chunks(5).enumerate() {
        fixture.file(&format!("part-{number}.jsonl"), part.join("\n"));
    }
    let pattern = fixture.folder.path().join("part-*.jsonl");
    let (report, rejects) = fixture
        .try_import(pattern, |options| options.batch_rows = 1)
        .await
        .unwrap();
    assert_eq!(
        (report.files, report.messages, report.conversations),
        (3, 12, 3)
    );
    assert_eq!(rejects, Vec::new());
    assert_eq!(fixture.rows(QUERY).await, expected());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_beyond_the_table_are_kept_and_conversations_are_described() {
    let fixture = Fixture::new().await;
    let lines = [
        r#"{"source": "crm", "source_conversation_id": "7", "message_id": "a", "role": "customer",
            "sent_at": "2024-03-01T10:00:00Z", "text": "hi", "subject": "Broken", "csat": 4,
            "tags": ["vip", "late"], "device": {"os": "x"}, "sentiment": 0.9}"#,
        r#"{"conversation_id": "crm:7", "source": "crm", "channel": "email", "status": "resolved",
            "plan": "pro", "team": "north"}"#,
    ];
    let lines: Vec<String> = lines.iter().map(|line| line.replace('\n', " ")).collect();
    let (report, rejects) = fixture
        .import(fixture.file("in.jsonl", lines.join("\n")))
        .await;
    assert_eq!((report.messages, report.conversations), (1, 1));
    assert_eq!(rejects, Vec::new());
    assert_eq!(
        fixture
            .rows("SELECT channel, attributes FROM messages")
            .await,
        [r#"email|{"device":{"os":"x"}}"#]
    );
    let found = "SELECT conversation_id, channel, status, plan, subject, csat, tags, attributes
        FROM conversations";
    assert_eq!(
        fixture.rows(found).await,
        [r#"crm:7|email|resolved|pro|Broken|4.0|[vip, late]|{"team":"north"}"#]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_table() {
    let fixture = Fixture::new().await;
    let lines = [
        r#"{"conversation_id": "c1", "source": "crm", "event_id": "e1", "at": "2024-03-01T10:00:00Z", "event_type": "handoff", "cause": "asked"}"#,
        r#"{"conversation_id": "c1", "source": "crm", "event_id": "e2", "event_type": "resolved"}"#,
    ];
    let path = fixture.file("events.jsonl", lines.join("\n"));
    for (others, duplicates) in [(1, 0), (0, 1)] {
        let imported = fixture.try_import(&path, |options| options.table = Some("events".into()));
        let (report, rejects) = imported.await.unwrap();
        assert_eq!(
            (report.others, report.duplicates, report.rejected),
            (others, duplicates, 1)
        );
        assert_eq!((rejects[0].line, rejects[0].field.as_str()), (2, "at"));
    }
    let found = fixture
        .rows("SELECT conversation_id, event_id, cause FROM events")
        .await;
    assert_eq!(found, ["crm:c1|e1|asked"]);
}
