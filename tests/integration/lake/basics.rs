//! Append, read, reopen.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use datafusion::arrow::array::RecordBatch;
use datafusion::physical_plan::displayable;
use verbatim::lake::{CommitHook, Lake, LakeError, LakeOptions};

use super::place::{Place, everywhere};
use super::rows::{
    START, append, batch, conversation, deleted, messages, number, query, session, texts,
};

everywhere!(
    rows_come_back_after_reopening,
    the_latest_version_counts,
    edits_and_deletions_of_messages,
    rows_that_do_not_fit_are_refused,
    the_catalog_keeps_every_change,
    hooks_hear_of_commits,
);

async fn rows_come_back_after_reopening(place: Place) {
    let lake = place.open().await;
    assert_eq!(number(&lake, "SELECT count(*) FROM messages").await, 0);
    let rows = append(vec![
        ("messages", messages("test:1", 0, 10)),
        ("conversations", conversation("test:1", "open", START)),
    ]);
    let committed = lake.append(rows).await.unwrap();
    assert!(committed.messages_version >= 1);
    assert_eq!(number(&lake, "SELECT count(*) FROM messages").await, 10);
    lake.close().await.unwrap();
    assert!(matches!(
        lake.append(append(vec![])).await,
        Err(LakeError::Closed)
    ));

    let lake = place.open().await;
    let sql = "SELECT m.message_id, m.text, c.status FROM messages m \
               JOIN conversations c USING (conversation_id) \
               WHERE m.role = 'agent' ORDER BY m.sent_at DESC LIMIT 2";
    let found = query(&lake, sql).await;
    assert_eq!(
        found,
        ["m9|words of turn 9|open", "m7|words of turn 7|open"]
    );
    let filled =
        "SELECT count(*) FROM messages WHERE ingested_at IS NOT NULL AND sentiment IS NULL";
    assert_eq!(number(&lake, filled).await, 10);
    lake.append(append(vec![("messages", messages("test:2", 0, 5))]))
        .await
        .unwrap();
    assert_eq!(number(&lake, "SELECT count(*) FROM messages").await, 15);
    let other = place.open().await;
    assert_eq!(number(&other, "SELECT count(*) FROM messages").await, 15);
}

async fn the_latest_version_counts(place: Place) {
    let lake = place.open().await;
    for (id, status, at) in [
        ("a", "open", 1),
        ("b", "open", 2),
        ("a", "closed", 9),
        ("a", "late", 5),
    ] {
        let rows = vec![("conversations", conversation(id, status, START + at))];
        lake.append(append(rows)).await.unwrap();
    }
    let sql = "SELECT conversation_id, status FROM conversations ORDER BY 1";
    assert_eq!(query(&lake, sql).await, ["a|closed", "b|open"]);
    // A filter on a column that changes must not bring an older version to light.
    let sql = "SELECT count(*) FROM conversations WHERE status = 'open' AND conversation_id = 'a'";
    assert_eq!(number(&lake, sql).await, 0);
    let gone = deleted(conversation("b", "open", START + 10));
    lake.append(append(vec![("conversations", gone)]))
        .await
        .unwrap();
    assert_eq!(
        query(&lake, "SELECT conversation_id FROM conversations").await,
        ["a"]
    );
    assert_eq!(number(&lake, "SELECT count(*) FROM conversations").await, 1);
}

async fn edits_and_deletions_of_messages(place: Place) {
    let lake = place.open().await;
    lake.append(append(vec![("messages", messages("c", 0, 4))]))
        .await
        .unwrap();
    let edited = super::rows::edited(messages("c", 1, 1), "better words");
    lake.append(append(vec![("messages", edited)]))
        .await
        .unwrap();
    lake.append(append(vec![("messages", deleted(messages("c", 2, 1)))]))
        .await
        .unwrap();
    let found = query(&lake, "SELECT message_id, text FROM messages ORDER BY 1").await;
    assert_eq!(
        found,
        [
            "m0|words of turn 0",
            "m1|better words",
            "m3|words of turn 3"
        ]
    );
    let sql = "SELECT count(*) FROM messages WHERE text = 'words of turn 1'";
    assert_eq!(number(&lake, sql).await, 0);
}

async fn rows_that_do_not_fit_are_refused(place: Place) {
    let lake = place.open().await;
    let unknown = lake
        .append(append(vec![("nothing", messages("c", 0, 1))]))
        .await;
    assert!(matches!(unknown, Err(LakeError::NoSuchTable(name)) if name == "nothing"));
    let column = batch(vec![
        ("conversation_id", texts(["a"])),
        ("colour", texts(["red"])),
    ]);
    let refused = lake
        .append(append(vec![("conversations", column)]))
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "table conversations, column colour: there is no such column"
    );
    let missing = batch(vec![("conversation_id", texts(["a"]))]);
    let refused = lake
        .append(append(vec![("conversations", missing)]))
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("column source: is NULL"),
        "{refused}"
    );
    assert_eq!(refused.sqlstate(), "22000");
}

async fn the_catalog_keeps_every_change(place: Place) {
    let mut tasks = Vec::new();
    for writer in 0..4 {
        let lake = place.open().await;
        tasks.push(tokio::spawn(async move {
            for change in 0..5 {
                lake.update_catalog::<LakeError>(|catalog| {
                    let view = verbatim::catalog::View::default();
                    catalog
                        .views
                        .insert(format!("view_{writer}_{change}"), view);
                    Ok(())
                })
                .await
                .unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(place.open().await.catalog().views.len(), 20);
}

#[derive(Default)]
struct Heard(AtomicI64);

impl CommitHook for Heard {
    fn committed(&self, table: &str, version: i64, rows: &[RecordBatch]) {
        assert!(version > 0 && (table == "messages" || table == "conversations"));
        let rows: usize = rows.iter().map(RecordBatch::num_rows).sum();
        self.0.fetch_add(rows as i64, Ordering::Relaxed);
    }
}

async fn hooks_hear_of_commits(place: Place) {
    let lake = place.open().await;
    let heard = Arc::new(Heard::default());
    lake.on_commit(Arc::clone(&heard) as Arc<dyn CommitHook>);
    let rows = append(vec![
        ("messages", messages("test:1", 0, 10)),
        ("conversations", conversation("test:1", "open", START)),
    ]);
    lake.append(rows).await.unwrap();
    assert_eq!(heard.0.load(Ordering::Relaxed), 11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_lake_is_made_unasked() {
    let place = Place::folder();
    let options = LakeOptions {
        create: false,
        ..LakeOptions::default()
    };
    let error = Lake::open(&place.url, options).await.unwrap_err();
    assert!(
        error.to_string().contains("there is no lake here"),
        "{error}"
    );
    for (url, message) in [
        ("ftp://x/y", "unknown scheme"),
        ("", "empty"),
        ("s3://", ""),
    ] {
        let error = Lake::open(url, LakeOptions::default()).await.unwrap_err();
        assert!(error.to_string().contains(message), "{url}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statistics_prune_files_and_count() {
    let place = Place::memory();
    let lake = place.open().await;
    for day in 0..3 {
        let rows = messages(&format!("c{day}"), day * 24, 24);
        lake.append(append(vec![("messages", rows)])).await.unwrap();
    }
    let session = session(&lake);
    let plan = async |sql: &str| {
        let plan = session
            .sql(sql)
            .await
            .unwrap()
            .create_physical_plan()
            .await
            .unwrap();
        displayable(plan.as_ref()).indent(true).to_string()
    };
    // The number of rows is in the log: nothing is read.
    let count = plan("SELECT count(*) FROM messages").await;
    assert!(
        count.contains("PlaceholderRowExec") && !count.contains("DataSourceExec"),
        "{count}"
    );
    let day = plan("SELECT text FROM messages WHERE sent_at >= '2025-06-17T15:06:40Z'").await;
    assert_eq!(day.matches(".parquet").count(), 1, "{day}");
    let all = plan("SELECT text FROM messages WHERE role = 'customer'").await;
    assert_eq!(all.matches(".parquet").count(), 3, "{all}");
    let none = plan("SELECT text FROM messages WHERE role = 'supervisor'").await;
    assert!(none.contains("EmptyExec"), "{none}");
}
