//! Two processes on the same conversations: neither loses what the other has written.

use std::sync::Arc;

use verbatim::ingest::Ingest;
use verbatim::lake::Lake;

use super::Fixture;
use crate::lake::failing::{Failing, Mode, options};

/// An INSERT of a message into each of many conversations: more than are looked up one by one.
fn insert_many(message: &str, minute: usize) -> String {
    let rows = (0..100).map(|number| {
        format!("('c{number}', '{message}', 'customer', '2024-03-01T10:{minute:02}:00Z')")
    });
    format!(
        "INSERT INTO messages (conversation_id, message_id, role, sent_at) VALUES {}",
        rows.collect::<Vec<_>>().join(", ")
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_that_another_process_has_written_alone_is_kept() {
    let one = Fixture::new().await;
    let two = one.other().await;
    // Not `c7`, which is to be new.
    let first = insert_many("a", 1).replace("'c7'", "'d7'");
    one.run(&first).await.unwrap();
    two.run(
        "INSERT INTO conversations (conversation_id, started_at, subject, csat)
        VALUES ('c7', '2024-03-01T09:00:00Z', 'Parcel', 4)",
    )
    .await
    .unwrap();
    one.run(&insert_many("b", 2)).await.unwrap();
    for fixture in [&one, &one.other().await] {
        let found = "SELECT subject, csat, started_at, last_activity_at FROM conversations
            WHERE conversation_id = 'c7'";
        assert_eq!(
            fixture.rows(found).await,
            ["Parcel|4.0|2024-03-01T09:00:00Z|2024-03-01T10:02:00Z"]
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn updates_of_one_conversation_by_two_processes_are_merged() {
    let one = Fixture::new().await;
    let two = one.other().await;
    let message = |minute: usize| {
        format!(
            "INSERT INTO messages (conversation_id, message_id, role, sent_at) VALUES
            ('c', 'm{minute}', 'customer', '2024-03-01T10:{minute:02}:00Z')"
        )
    };
    let row = |column: &str, value: usize| {
        format!("INSERT INTO conversations (conversation_id, {column}) VALUES ('c', '{value}')")
    };
    one.run(&message(0)).await.unwrap();
    for round in 1..6 {
        // Messages against a row, and rows against each other.
        let (written, subject) = (message(round), row("subject", round));
        let done = tokio::join!(one.run(&written), two.run(&subject));
        assert!(done.0.is_ok() && done.1.is_ok(), "{done:?}");
        let (priority, language) = (row("priority", round), row("language", round));
        let done = tokio::join!(one.run(&priority), two.run(&language));
        assert!(done.0.is_ok() && done.1.is_ok(), "{done:?}");
        let found = "SELECT subject, priority, language, last_activity_at FROM conversations";
        assert_eq!(
            one.other().await.rows(found).await,
            [format!(
                "{round}|{round}|{round}|2024-03-01T10:{round:02}:00Z"
            )]
        );
    }
}

/// A commit that fails and lands all the same, after the error has been seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_landed_late_is_not_doubled_by_the_retry() {
    let inner: Arc<dyn object_store::ObjectStore> = Arc::new(object_store::memory::InMemory::new());
    // From a write on that lies behind the first statement.
    let late = Arc::new(Failing::new(Arc::clone(&inner), 1000, Mode::Late));
    let lake = Lake::open("memory://late", options(Arc::clone(&late) as _))
        .await
        .unwrap();
    let fixture = Fixture {
        folder: tempfile::tempdir().unwrap(),
        ingest: Ingest::new(Arc::clone(&lake)),
        lake,
    };
    fixture.run(&insert_many("a", 1)).await.unwrap();
    late.writes.store(0, std::sync::atomic::Ordering::SeqCst);
    let failed = fixture.run(&insert_many("b", 2)).await.unwrap_err();
    assert!(failed.contains("the line is dead"), "{failed}");
    assert_eq!(fixture.count("messages").await, 100);
    let (path, entry) = late.late.lock().clone().unwrap();
    object_store::ObjectStoreExt::put(&inner, &path, entry)
        .await
        .unwrap();
    let again = fixture.run(&insert_many("b", 2)).await.unwrap();
    assert_eq!(again, ["0"]);
    assert_eq!(fixture.count("messages").await, 200);
}
