//! Mappings of invented sources.

use super::Fixture;

const DESK: &str = r#"
name = "desk"
source = "desk"
records = "data.tickets[*]"

[made_time]
base = "2024-01-01T00:00:00Z"
step = "10s"

[conversation]
id = "no"
channel = { path = "via", map = { mail = "email", phone = "voice" }, default = "chat" }
status = { path = "state", map = { done = "closed", new = "open" } }
csat = "survey.stars"
tags = { path = "labels", split = ";" }
subject = ["title", "summary"]

[[message]]
each = "posts[*]"
id = ["key", { made = "{index}" }]
role = [
  { value = "agent", when = { path = "from", equals_path = "$.owner" } },
  { value = "supervisor", when = { path = "from", equals = ["boss", "lead"] } },
  { value = "customer" },
]
author_id = "from"
is_private = { path = "internal" }
sent_at = [{ path = "at", time = "unix_ms" }, { path = "day", time = "%d.%m.%Y", zone = "Europe/Berlin" }]
text = { path = "parts[*].body", join = "\n" }
"#;

const FILE: &str = r#"{"exported": true, "data": {"tickets": [
  {"no": 17, "via": "Mail", "state": "done", "owner": "eve", "survey": {"stars": "4", "note": "ok"},
   "labels": "late; vip", "title": "", "summary": "No parcel",
   "posts": [
     {"key": "p1", "from": "ann", "at": 1709287200000, "parts": [{"body": "hello"}, {"body": "there"}]},
     {"from": "eve", "at": 1709287260000, "parts": [{"body": "hi"}], "internal": true, "mood": "calm"},
     {"from": "boss", "parts": [{"body": "quick please"}]}
   ]},
  {"no": 18, "via": "pigeon", "owner": "eve", "posts": [
     {"key": "q1", "from": "bob", "day": "02.03.2024", "parts": []},
     {"key": "q2", "from": "bob", "at": "noon", "parts": []}]},
  {"no": 19, "state": "lost", "posts": []}
]}}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nested_source_with_gaps() {
    let fixture = Fixture::new().await;
    let mapping = fixture.file("desk.toml", DESK);
    let path = fixture.file("export.json", FILE);
    let imported = fixture
        .try_import(&path, |options| {
            options.format = mapping.display().to_string()
        })
        .await
        .unwrap();
    let (report, rejects) = imported;
    let rejects: Vec<_> = rejects
        .iter()
        .map(|reject| format!("{} {} {}", reject.line, reject.field, reject.reason))
        .collect();
    assert_eq!(
        rejects,
        [
            "9 message 1: sent_at wants milliseconds since 1970, found \"noon\"",
            "12 status the mapping does not know the value \"lost\"; add it to the field's map",
        ]
    );
    assert_eq!((report.messages, report.conversations), (4, 2));
    let messages =
        "SELECT conversation_id, message_id, turn_index, role, is_private, sent_at, text,
        attributes, made FROM messages ORDER BY conversation_id, turn_index";
    assert_eq!(
        fixture.rows(messages).await,
        [
            "desk:17|p1|0|customer|false|2024-03-01T10:00:00Z|hello\nthere|{\"parts\":[{\"body\":\"hello\"},{\"body\":\"there\"}]}|NULL",
            "desk:17|1|1|agent|true|2024-03-01T10:01:00Z|hi|{\"parts\":[{\"body\":\"hi\"}],\"mood\":\"calm\"}|[message_id]",
            "desk:17|2|2|supervisor|false|2024-03-01T10:01:10Z|quick please|{\"parts\":[{\"body\":\"quick please\"}]}|[message_id, sent_at]",
            "desk:18|q1|0|customer|false|2024-03-01T23:00:00Z|NULL|{\"parts\":[]}|NULL",
        ]
    );
    let conversations = "SELECT conversation_id, channel, status, csat, tags, subject, attributes,
        made FROM conversations ORDER BY 1";
    assert_eq!(
        fixture.rows(conversations).await,
        [
            "desk:17|email|closed|4.0|[late, vip]|No parcel|{\"owner\":\"eve\",\"survey\":{\"note\":\"ok\"}}|\
         [ended_at, first_human_at, last_activity_at, started_at]",
            "desk:18|chat|NULL|NULL|NULL|NULL|{\"owner\":\"eve\"}|NULL",
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn csv_with_a_message_a_row() {
    let fixture = Fixture::new().await;
    let mapping = fixture.file(
        "calls.toml",
        r#"
name = "calls"
source = "calls"
channel = "voice"
records = "csv"
delimiter = "tab"
[conversation]
id = "call"
queue_id = "line"
[[message]]
each = "."
id = "{call}/{start}"
role = { path = "speaker", map = { A = "agent", B = "customer" } }
sent_at = "time"
begin_ms = "start"
text = "words"
"#,
    );
    let file = "call\tline\tspeaker\ttime\tstart\twords\tscore\n\
        1\tsales\tA\t2024-03-01 10:00:00\t0\tgood day\t0.5\n\
        1\tsales\tb\t2024-03-01 10:00:04\t4000\thello\t\n\
        1\tsales\tC\t2024-03-01 10:00:09\t9000\t?\t\n\
        1\tsales\tA\n\
        2\tcare\tB\t2024-03-01 11:00:00\tsoon\thello\t\n";
    let path = fixture.file("calls.tsv", file);
    let (report, rejects) = fixture
        .try_import(&path, |options| {
            options.format = mapping.display().to_string()
        })
        .await
        .unwrap();
    assert_eq!((report.messages, report.conversations), (2, 1));
    let rejects: Vec<_> = rejects
        .iter()
        .map(|reject| format!("{} {} {}", reject.line, reject.field, reject.reason))
        .collect();
    assert_eq!(
        rejects,
        [
            "4 role the mapping does not know the value \"C\"; add it to the field's map",
            "5  has 3 fields where the header has 7",
            "6 begin_ms wants a whole number, found \"soon\"",
        ]
    );
    let messages = "SELECT conversation_id, message_id, role, begin_ms, text, attributes, channel
        FROM messages ORDER BY begin_ms";
    assert_eq!(
        fixture.rows(messages).await,
        [
            "calls:1|1/0|agent|0|good day|{\"line\":\"sales\",\"score\":\"0.5\"}|voice",
            "calls:1|1/4000|customer|4000|hello|{\"line\":\"sales\"}|voice",
        ]
    );
    assert_eq!(
        fixture.rows("SELECT queue_id FROM conversations").await,
        ["sales"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn made_times_fit_the_real_ones() {
    let fixture = Fixture::new().await;
    let mapping = fixture.file(
        "mt.toml",
        r#"
name = "mt"
source = "mt"
channel = "chat"
records = "lines"
[made_time]
base = "2024-05-01T00:00:00Z"
step = "30s"
[conversation]
id = "c"
started_at = "begun"
[[message]]
each = "ms[*]"
id = { made = "{index}" }
role = { value = "customer" }
sent_at = "t"
"#,
    );
    let lines = [
        // Before the first known time, between two of them, behind the last.
        r#"{"c": "a", "begun": "2019-01-01T00:00:00Z", "ms": [{}, {}, {"t": "2020-01-01T10:00:00Z"}, {}, {"t": "2020-01-01T10:00:10Z"}, {}]}"#,
        r#"{"c": "b", "begun": "2021-01-01T10:00:00Z", "ms": [{}, {}]}"#,
        r#"{"c": "c", "ms": [{}]}"#,
    ];
    let path = fixture.file("in.jsonl", lines.join("\n"));
    let imported = fixture.try_import(&path, |options| {
        options.format = mapping.display().to_string()
    });
    let (_, rejects) = imported.await.unwrap();
    assert_eq!(rejects, Vec::new());
    let times = "SELECT conversation_id, turn_index, sent_at, array_to_string(made, ',')
        FROM messages ORDER BY 1, 2";
    assert_eq!(
        fixture.rows(times).await,
        [
            "mt:a|0|2020-01-01T09:59:00Z|message_id,sent_at",
            "mt:a|1|2020-01-01T09:59:30Z|message_id,sent_at",
            "mt:a|2|2020-01-01T10:00:00Z|message_id",
            "mt:a|3|2020-01-01T10:00:10Z|message_id,sent_at",
            "mt:a|4|2020-01-01T10:00:10Z|message_id",
            "mt:a|5|2020-01-01T10:00:40Z|message_id,sent_at",
            "mt:b|0|2021-01-01T10:00:00Z|message_id,sent_at",
            "mt:b|1|2021-01-01T10:00:30Z|message_id,sent_at",
            "mt:c|0|2024-05-01T00:00:00Z|message_id,sent_at",
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistake_in_a_mapping_is_said_before_anything_is_read() {
    let fixture = Fixture::new().await;
    let mapping = fixture.file("desk.toml", DESK.replace("\"customer\"", "\"client\""));
    let path = fixture.file("export.json", FILE);
    let error = fixture
        .try_import(&path, |options| {
            options.format = mapping.display().to_string()
        })
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("desk.toml:24: message[0].role.value: \"client\" is none of"),
        "{error}"
    );
    let error = fixture
        .try_import(&path, |options| options.format = "desk".into())
        .await;
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("desk: is no format: name auto")
    );
}
