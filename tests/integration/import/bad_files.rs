//! Files that are broken as a whole, or from some place on: what is good of them goes in, and the
//! files after them too.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray, StructArray};
use datafusion::arrow::datatypes::{DataType, Field};

use super::formats::parquet_of;
use super::{Fixture, message};

const HEADER: &str = "conversation_id,message_id,source,channel,role,sent_at,text";

fn rows(from: usize, to: usize, text: impl Fn(usize) -> String) -> String {
    let row = |number| {
        let text = text(number);
        format!("q{number},m,s,chat,customer,2024-03-01T10:00:00Z,{text}\n")
    };
    (from..to).map(row).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_quote_costs_one_row() {
    for quoted in [false, true] {
        let fixture = Fixture::new().await;
        let text = |number: usize| match (quoted, number) {
            (_, 9) => "\"hello".to_string(),
            (true, number) => format!("\"hello {number}\""),
            (false, number) => format!("hello {number}"),
        };
        let csv = format!("{HEADER}\n{}", rows(0, 100, text));
        let (report, rejects) = fixture.import(fixture.file("in.csv", csv)).await;
        assert_eq!((report.messages, report.rejected), (99, 1));
        assert_eq!(rejects[0].line, 11);
        let reason = &rejects[0].reason;
        assert!(reason.contains("malformed CSV: a quote"), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn csv_with_too_many_fields_or_bytes() {
    let fixture = Fixture::new().await;
    let csv = format!(
        "{HEADER}\n{}{}\n{}{}\n{}",
        rows(0, 1, |_| "x".into()),
        ",".repeat(3 << 20),
        rows(1, 2, |_| "y".into()),
        "z".repeat(5 << 20),
        rows(2, 3, |_| "z".into()),
    );
    let path = fixture.file("in.csv", csv);
    let imported = fixture.try_import(path, |options| options.record_limit = 4 << 20);
    let (report, rejects) = imported.await.unwrap();
    assert_eq!(report.messages, 3);
    let found: Vec<_> = rejects
        .iter()
        .map(|r| (r.line, r.reason.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (3, "has 3145729 fields where the header has 7"),
            (
                5,
                "the record is longer than 4 MiB; --max-record-mib allows more"
            ),
        ]
    );
    let fixture = Fixture::new().await;
    let (_, rejects) = fixture
        .import(fixture.file("in.csv", format!("conversation_id,\"text\n{HEADER}\n")))
        .await;
    assert_eq!((rejects.len(), rejects[0].line), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_line_that_is_cut_off_or_no_json() {
    let good: Vec<_> = (0..50)
        .map(|number| message(&format!("c{number}"), "m", "customer", 1, "hello"))
        .collect();
    let good = good.join("\n");
    for (name, first, format) in [
        (
            "a.jsonl",
            "{\"conversation_id\": \"cut\", \"text\": \"yyy",
            "auto",
        ),
        (
            "a.txt",
            "{\"conversation_id\": \"cut\", \"text\": \"yyy",
            "auto",
        ),
        (
            "a.txt",
            "{\"conversation_id\": \"cut\", \"text\": \"yyy",
            "jsonl",
        ),
        ("b.jsonl", "garbage", "auto"),
        ("b.ndjson", "[", "auto"),
        ("b.txt", "[", "jsonl"),
    ] {
        let fixture = Fixture::new().await;
        let path = fixture.file(name, format!("{first}\n{good}\n"));
        let imported = fixture.try_import(path, |options| {
            options.format = format.into();
            options.record_limit = 4096;
        });
        let (report, rejects) = imported.await.unwrap();
        assert_eq!(
            (report.messages, report.rejected),
            (50, 1),
            "{name} {first}"
        );
        assert_eq!(rejects[0].line, 1, "{name} {first}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_broken_records_takes_no_longer() {
    let fixture = Fixture::new().await;
    let line = "{\"conversation_id\":\"k\",\"text\":\"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\n";
    let path = fixture.file("in.json", line.repeat(20_000));
    let begun = Instant::now();
    let (report, rejects) = fixture.import(path).await;
    assert_eq!((report.messages, rejects.len()), (0, 20_000));
    assert_eq!(rejects[19_999].line, 20_000);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_file_does_not_stop_the_others() {
    let fixture = Fixture::new().await;
    let lines: Vec<_> = (0..2000)
        .map(|number| {
            let text = format!("text {} of {number}", number * 7919 % 1009);
            message(&format!("a{number}"), "m", "customer", 1, &text)
        })
        .collect();
    let whole = gzip(&lines.join("\n"));
    let one = |id: &str| message(id, "m", "customer", 1, "hi");
    fixture.file("a.jsonl.gz", &whole[..whole.len() / 2]);
    fixture.file("b.json", r#"[{"who": "me", "what": "hello"}]"#);
    fixture.file("c.txt", "garbage\n");
    let mut padded = gzip(&one("c"));
    padded.extend([0; 512]);
    fixture.file("d.jsonl.gz", padded);
    let nested: ArrayRef = Arc::new(StructArray::from(vec![(
        Arc::new(Field::new("a", DataType::Utf8, true)),
        Arc::new(StringArray::from(vec!["x"])) as ArrayRef,
    )]));
    let id: ArrayRef = Arc::new(StringArray::from(vec!["p"]));
    let batch = RecordBatch::try_from_iter([("conversation_id", id), ("role", nested)]).unwrap();
    fixture.file("e.parquet", parquet_of(&batch, None));
    fixture.file("f.parquet", b"PAR1 and nothing else");
    fixture.file("g.jsonl", one("last"));
    let pattern = fixture.folder.path().join("[a-g].*");
    let (report, rejects) = fixture.import(&pattern).await;
    let good = report.messages - 2;
    assert!((500..2000).contains(&good), "{good}");
    let rejects: Vec<_> = rejects
        .iter()
        .map(|reject| {
            let name = reject.file.rsplit('/').next().unwrap();
            format!("{name}:{} {} {}", reject.line, reject.field, reject.reason)
        })
        .collect();
    let line = good + 1;
    let wanted = [
        format!("a.jsonl.gz:{line}  the file cannot be read on after record {good}: "),
        "b.json:1  no format is known by itself here: a record has the members who, what".into(),
        "c.txt:1  no format is known by itself here: it begins with \"garbage\"".into(),
        "e.parquet:1 role the column has the type Struct".into(),
        "f.parquet:1  ".into(),
    ];
    assert_eq!(rejects.len(), wanted.len(), "{rejects:#?}");
    for (found, wanted) in rejects.iter().zip(wanted) {
        assert!(found.starts_with(&wanted), "wanted {wanted}, found {found}");
    }
    let found = fixture
        .rows("SELECT count(*) FROM messages WHERE conversation_id IN ('test:c', 'test:last')")
        .await;
    assert_eq!(found, ["2"]);
}
