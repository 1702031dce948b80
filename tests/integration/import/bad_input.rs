//! Bad records are reported with file, line and field; the rest of the file goes in.

use std::fs::File;
use std::io::{BufWriter, Write};

use verbatim::ingest::{IngestError, OnError};

use super::{Fixture, message};

/// Imports lines and expects `rejects` as (line, field, part of the reason); the good ones go in.
async fn expect(lines: &[&str], rejects: &[(u64, &str, &str)], good: u64) {
    let fixture = Fixture::new().await;
    let path = fixture.file("in.jsonl", lines.join("\n"));
    let (report, found) = fixture.import(&path).await;
    let shown = format!("{found:#?}");
    assert_eq!(found.len(), rejects.len(), "{shown}");
    for (reject, (line, field, reason)) in found.iter().zip(rejects) {
        assert_eq!(reject.file, path.display().to_string());
        assert_eq!(
            (reject.line, reject.field.as_str()),
            (*line, *field),
            "{shown}"
        );
        assert!(reject.reason.contains(reason), "{reason}: {shown}");
    }
    assert_eq!(
        (report.messages, report.rejected),
        (good, rejects.len() as u64)
    );
    assert_eq!(fixture.count("messages").await, good);
}

fn good(id: &str) -> String {
    message("c1", id, "customer", 1, "hello")
}

fn with(id: &str, key: &str, value: serde_json::Value) -> String {
    let mut record: serde_json::Value = serde_json::from_str(&good(id)).unwrap();
    record[key] = value;
    record.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_json() {
    let (a, b) = (good("a"), good("b"));
    expect(
        &[&a, "{\"conversation_id\": ", "not json", "[1]", &b],
        &[
            (2, "", "malformed JSON"),
            (3, "", "malformed JSON"),
            (4, "", "malformed JSON"),
        ],
        2,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_types() {
    expect(
        &[
            &good("a"),
            &with("b", "sent_at", "yesterday".into()),
            &with("c", "turn_index", "third".into()),
            &with("d", "text", serde_json::json!({"a": 1})),
            &with("e", "asr_confidence", "high".into()),
            &with("f", "is_private", "perhaps".into()),
            &with("g", "attributes", "{not json".into()),
            &good("h"),
        ],
        &[
            (2, "sent_at", "wants a time such as"),
            (3, "turn_index", "wants a whole number, found \"third\""),
            (4, "text", "wants text, found an object"),
            (5, "asr_confidence", "wants a number"),
            (6, "is_private", "wants true or false"),
            (7, "attributes", "is not JSON"),
        ],
        2,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_and_impossible_values() {
    let without = |key: &str| with("x", key, serde_json::Value::Null);
    expect(
        &[
            &without("message_id"),
            &without("role"),
            &without("sent_at"),
            &without("source"),
            &with("b", "role", "customr".into()),
            &with("c", "channel", "telex".into()),
            &with("d", "sent_at", "1970-01-01T00:00:00Z".into()),
            &with("e", "sent_at", "2199-01-01T00:00:00Z".into()),
            &with("f", "message_id", "x".repeat(2000).into()),
            &good("g"),
        ],
        &[
            (1, "message_id", "required"),
            (2, "role", "required"),
            (3, "sent_at", "required"),
            (4, "source", "required"),
            (5, "role", "\"customr\" is none of customer, agent"),
            (6, "channel", "\"telex\" is none of chat, email"),
            (7, "sent_at", "before 1990-01-01"),
            (8, "sent_at", "after 20"),
            (9, "message_id", "2000 bytes"),
        ],
        1,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_utf8_names_the_field() {
    let fixture = Fixture::new().await;
    let mut content = Vec::new();
    for (id, bad) in [("a", false), ("b", true), ("c", false)] {
        let mut line = good(id).into_bytes();
        if bad {
            let at = line.windows(5).position(|part| part == b"hello").unwrap();
            line.splice(at..at + 2, [0xC3, 0x28]);
        }
        content.extend(line);
        content.push(b'\n');
    }
    let (report, rejects) = fixture.import(fixture.file("in.jsonl", content)).await;
    assert_eq!(report.messages, 2);
    assert_eq!((rejects[0].line, rejects[0].field.as_str()), (2, "text"));
    assert!(
        rejects[0].reason.contains("invalid UTF-8 at byte"),
        "{}",
        rejects[0].reason
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duplicates_within_a_file_go_in_once() {
    let fixture = Fixture::new().await;
    let lines = [
        good("a"),
        good("b"),
        with("a", "text", "another".into()),
        good("a"),
    ];
    let (report, rejects) = fixture
        .import(fixture.file("in.jsonl", lines.join("\n")))
        .await;
    assert_eq!((report.messages, report.duplicates), (2, 2));
    assert_eq!(rejects, Vec::new());
    let found = fixture
        .rows("SELECT message_id, text FROM messages ORDER BY 1")
        .await;
    assert_eq!(found, ["a|hello", "b|hello"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_of_100_megabytes() {
    let fixture = Fixture::new().await;
    let path = fixture.folder.path().join("in.jsonl");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    writeln!(file, "{}", good("a")).unwrap();
    file.write_all(b"{\"conversation_id\": \"c1\", \"text\": \"")
        .unwrap();
    for _ in 0..100 {
        file.write_all(&[b'x'; 1 << 20]).unwrap();
    }
    writeln!(file, "\"}}").unwrap();
    writeln!(file, "{}", good("b")).unwrap();
    file.into_inner().unwrap();
    let (report, rejects) = fixture.import(&path).await;
    assert_eq!(report.messages, 2);
    assert_eq!((rejects.len(), rejects[0].line), (1, 2));
    assert!(
        rejects[0].reason.contains("longer than 64 MiB"),
        "{}",
        rejects[0].reason
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_and_unknown_files() {
    let fixture = Fixture::new().await;
    for content in ["", "  \n\n"] {
        let (report, rejects) = fixture.import(fixture.file("empty.jsonl", content)).await;
        assert_eq!(report.messages, 0);
        assert!(rejects[0].reason.contains("empty"));
    }
    let unknown = fixture.file("in.json", r#"[{"who": "me", "what": "hello"}]"#);
    let (report, rejects) = fixture.import(&unknown).await;
    assert_eq!((report.rejected, rejects[0].line), (1, 1));
    let reason = &rejects[0].reason;
    assert!(
        reason.contains("a record has the members who, what"),
        "{reason}"
    );
    assert!(reason.contains("docs/import.md"), "{reason}");
    let error = fixture
        .try_import("/no/such/file.jsonl", |_| {})
        .await
        .unwrap_err();
    assert!(matches!(&error, IngestError::Io { path, .. } if path.ends_with("file.jsonl")));
    assert_eq!(fixture.count("messages").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_utf8_of_a_csv_names_line_and_field() {
    let fixture = Fixture::new().await;
    let mut content = b"conversation_id,message_id,source,channel,role,sent_at,text\n".to_vec();
    for (id, text) in [("a", &b"hi"[..]), ("b", b"\xC3\x28"), ("c", b"\"h\ni\"")] {
        content.extend(format!("c,{id},s,chat,customer,2024-03-01T10:00:00Z,").bytes());
        content.extend(text);
        content.push(b'\n');
    }
    let path = fixture.file("in.csv", content);
    let (report, rejects) = fixture.import(&path).await;
    assert_eq!((report.messages, rejects.len()), (2, 1));
    assert_eq!(rejects[0].file, path.display().to_string());
    assert_eq!((rejects[0].line, rejects[0].field.as_str()), (3, "text"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_with_more_digits_than_a_number_keeps_stay_apart() {
    let fixture = Fixture::new().await;
    let lines: Vec<_> = (0..5)
        .map(|digit| {
            let big = format!("1234567890123456789012{digit}");
            let line = with("ID", "more", "MORE".into());
            line.replace("\"ID\"", &big).replace("\"MORE\"", &big)
        })
        .collect();
    let (report, rejects) = fixture
        .import(fixture.file("in.jsonl", lines.join("\n")))
        .await;
    assert_eq!((report.messages, report.duplicates), (5, 0));
    assert_eq!(rejects, Vec::new());
    let found = fixture
        .rows("SELECT message_id, attributes FROM messages ORDER BY 1 LIMIT 1")
        .await;
    let big = "12345678901234567890120";
    assert_eq!(found, [format!("{big}|{{\"more\":\"{big}\"}}")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_knows_the_conversations_of_its_earlier_batches() {
    let fixture = Fixture::new().await;
    let mut lines = vec![
        r#"{"conversation_id": "ds", "source": "s", "channel": "chat", "started_at": "2024-03-01T00:00:00Z"}"#
            .to_string(),
    ];
    for number in 0..50 {
        for conversation in ["ds", "none"] {
            lines.push(format!(
                r#"{{"conversation_id": "{conversation}", "message_id": "m{number}", "source": "s", "role": "customer", "sent_at": "2024-03-01T10:00:00Z", "text": "t"}}"#
            ));
        }
    }
    let path = fixture.file("in.jsonl", lines.join("\n"));
    let mut found = Vec::new();
    for dry_run in [true, false] {
        let imported = fixture.try_import(&path, |options| {
            options.dry_run = dry_run;
            if dry_run {
                options.batch_rows = 10;
            }
        });
        let (report, mut rejects) = imported.await.unwrap();
        rejects.sort_by_key(|reject| reject.line);
        assert_eq!(
            (report.messages, report.conversations),
            (50, 1),
            "{dry_run}"
        );
        assert_eq!(report.rejected, 50);
        found.push(rejects);
    }
    assert_eq!(found[0], found[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_at_the_first_reject() {
    let fixture = Fixture::new().await;
    let path = fixture.file(
        "in.jsonl",
        [good("a"), "broken".into(), good("b")].join("\n"),
    );
    let stopped = fixture
        .try_import(&path, |options| options.on_error = OnError::Stop)
        .await;
    assert!(matches!(stopped.unwrap_err(), IngestError::Stopped(reject) if reject.line == 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_finds_the_same_and_writes_nothing() {
    let fixture = Fixture::new().await;
    let lines = [
        good("a"),
        with("b", "role", "nobody".into()),
        good("a"),
        good("c"),
    ];
    let path = fixture.file("in.jsonl", lines.join("\n"));
    let dry = fixture.try_import(&path, |options| {
        options.dry_run = true;
        options.batch_rows = 1;
    });
    let (dry, dry_rejects) = dry.await.unwrap();
    assert_eq!(fixture.count("messages").await, 0);
    let (wet, rejects) = fixture.import(&path).await;
    assert_eq!(
        (dry.messages, dry.duplicates),
        (wet.messages, wet.duplicates)
    );
    assert_eq!(dry_rejects, rejects);
    assert_eq!(fixture.count("messages").await, 2);
}
