//! What upkeep removes, what it keeps apart, and reads beside it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use verbatim::lake::{CommitHook, DataFile, LakeError, Store};

use super::place::{Place, uuid};
use super::rows::{
    DAY, START, append, batch, conversation, edited, messages, number, query, session, texts,
};

fn parquet_files(place: &Place, table: &str) -> Vec<String> {
    let folder = std::path::Path::new(&place.url).join(table);
    let names = std::fs::read_dir(folder).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains(".parquet")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_removes_replaced_files_by_itself() {
    let place = Place::folder();
    let lake = place
        .open_with(|options| {
            options.compact_files = 4;
            options.retention = Duration::ZERO;
            options.vacuum_interval = Duration::from_millis(1);
        })
        .await;
    for index in 0..24 {
        let rows = append(vec![("messages", messages(&format!("c{index}"), 0, 2))]);
        lake.append(rows).await.unwrap();
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    lake.close().await.unwrap();
    let files = parquet_files(&place, "messages").len();
    assert!(files < 16, "{files} files after 24 appends");
    let lake = place.open().await;
    assert_eq!(number(&lake, "SELECT count(*) FROM messages").await, 48);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_unfinished_writes_have_left_is_removed_after_a_day() {
    let place = Place::folder();
    let lake = place.open().await;
    lake.append(append(vec![("messages", messages("c", 0, 2))]))
        .await
        .unwrap();
    let folder = std::path::Path::new(&place.url).join("messages");
    let (old, new) = (
        folder.join("part-1.parquet#1"),
        folder.join("part-2.parquet#1"),
    );
    for path in [&old, &new] {
        std::fs::write(path, "half a file").unwrap();
    }
    let file = std::fs::File::options().write(true).open(&old).unwrap();
    let yesterday = SystemTime::now() - Duration::from_secs(25 * 3600);
    file.set_modified(yesterday).unwrap();
    lake.maintain().await.unwrap();
    assert!(!old.exists() && new.exists());
}

fn sets(files: &[Arc<DataFile>], column: usize) -> Vec<String> {
    let set = |file: &Arc<DataFile>| file.constant(column).map(ToString::to_string);
    let mut sets: Vec<_> = files.iter().map(|file| set(file).unwrap()).collect();
    sets.sort();
    sets
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_different_models_stay_in_different_files() {
    let lake = Place::memory().open().await;
    for (id, set) in [("a", "one"), ("b", "two"), ("c", "one")] {
        for rows in [messages(id, 0, 2), edited(messages(id, 0, 1), "new words")] {
            let mut columns: Vec<_> = rows
                .schema()
                .fields()
                .iter()
                .zip(rows.columns())
                .map(|(field, column)| (field.name().to_string(), Arc::clone(column)))
                .collect();
            let set = texts((0..rows.num_rows()).map(|_| set));
            columns.push(("scored_by".into(), set));
            let rows = batch(
                columns
                    .iter()
                    .map(|(n, c)| (n.as_str(), Arc::clone(c)))
                    .collect(),
            );
            lake.append(append(vec![("messages", rows)])).await.unwrap();
        }
    }
    lake.maintain().await.unwrap();
    let table = lake.table("messages").unwrap();
    let column = table.schema().index_of("scored_by").unwrap();
    let snapshot = table.snapshot().await.unwrap();
    assert_eq!(sets(snapshot.files(), column), ["one", "two"]);
    let sql = "SELECT text, count(*) FROM messages GROUP BY 1 ORDER BY 1";
    assert_eq!(
        query(&lake, sql).await,
        ["new words|3", "words of turn 1|3"]
    );
}

/// Late versions in the tail lose against settled ones without the settled ones being merged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_tail_is_merged_where_times_overlap() {
    let lake = Place::memory().open().await;
    let put = async |rows: &[(&str, &str, i64)]| {
        for (id, status, at) in rows {
            let rows = conversation(id, status, START + at);
            lake.append(append(vec![("conversations", rows)]))
                .await
                .unwrap();
        }
    };
    put(&[("a", "closed", 20), ("b", "open", 20), ("z", "closed", DAY)]).await;
    lake.maintain().await.unwrap();
    put(&[
        ("a", "open", 10),
        ("b", "closed", 30),
        ("c", "open", 5),
        ("b", "open", 15),
    ])
    .await;
    let all = "SELECT conversation_id, status FROM conversations ORDER BY 1";
    let expected = ["a|closed", "b|closed", "c|open", "z|closed"];
    assert_eq!(query(&lake, all).await, expected);
    let open = "SELECT conversation_id FROM conversations WHERE status = 'open'";
    assert_eq!(query(&lake, open).await, ["c"]);
    assert_eq!(number(&lake, "SELECT count(*) FROM conversations").await, 4);
    let session = session(&lake);
    let plan = session.sql(all).await.unwrap();
    let plan = plan.create_physical_plan().await.unwrap();
    let mut merging = vec![plan];
    while merging[0].name() != "LatestVersionExec" {
        merging = merging[0].children().into_iter().cloned().collect();
    }
    // The tail, the settled rows, and the keys of the settled rows.
    assert_eq!(merging[0].children().len(), 3);
    assert_eq!(merging[0].children()[2].schema().fields().len(), 4);
    lake.maintain().await.unwrap();
    assert_eq!(query(&lake, all).await, expected);
}

struct Panics;

impl CommitHook for Panics {
    fn committed(&self, _: &str, _: i64, _: &[datafusion::arrow::array::RecordBatch]) {
        panic!("a hook with a defect");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_that_panics_stops_no_commit() {
    let lake = Place::memory().open().await;
    lake.on_commit(Arc::new(Panics));
    for index in 0..3 {
        let rows = append(vec![("messages", messages(&format!("c{index}"), 0, 1))]);
        lake.append(rows).await.unwrap();
    }
    assert_eq!(number(&lake, "SELECT count(*) FROM messages").await, 3);
}

#[test]
fn addresses_and_settings_with_mistakes_are_refused() {
    let open = |url: &str, option: &str| {
        let options = [(option.to_string(), "x".to_string())].into();
        Store::open(url, &options, None)
    };
    let none = std::collections::HashMap::new();
    let refused = Store::open("file://tmp/x", &none, None).unwrap_err();
    assert!(refused.to_string().contains("file:///tmp/x"), "{refused}");
    Store::open("file://localhost/tmp/x", &none, None).unwrap();
    for url in ["s3://bucket/x", "gs://bucket/x", "az://bucket/x"] {
        let refused = open(url, "aws_endpiont").unwrap_err();
        assert!(matches!(refused, LakeError::Location { .. }));
        let text = refused.to_string();
        assert!(
            text.contains("aws_endpiont") || text.contains("built without"),
            "{text}"
        );
    }
    open(&format!("memory://{}", uuid()), "aws_region").unwrap();
}
