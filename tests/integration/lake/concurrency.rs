//! Several writers on one lake.

use std::sync::Arc;

use verbatim::lake::{Append, Lake, LakeError};

use super::place::{Place, everywhere};
use super::rows::{START, append, conversation, messages, number, query};

everywhere!(
    six_writers_lose_nothing,
    a_batch_is_seen_whole_or_not_at_all,
    overtaken_writers_are_told
);

async fn write(lake: Arc<Lake>, writer: usize, appends: usize) {
    for index in 0..appends {
        let id = format!("w{writer}-{index}");
        let rows = append(vec![
            ("messages", messages(&id, 0, 3)),
            (
                "conversations",
                conversation(&id, "open", START + index as i64),
            ),
        ]);
        lake.append(rows).await.unwrap();
    }
}

const APPENDS: usize = 6;

async fn six_writers_lose_nothing(place: Place) {
    let mut tasks = Vec::new();
    for writer in 0..6 {
        // Few files and checkpoints at short intervals, so that upkeep gets in between.
        let lake = place
            .open_with(|options| {
                options.compact_files = 8;
                options.checkpoint_interval = 7;
            })
            .await;
        tasks.push(tokio::spawn(async move {
            write(Arc::clone(&lake), writer, APPENDS).await;
            lake.close().await.unwrap();
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let lake = place.open().await;
    assert_eq!(
        number(&lake, "SELECT count(*) FROM messages").await,
        6 * APPENDS as i64 * 3
    );
    let distinct =
        "SELECT count(*) FROM (SELECT DISTINCT conversation_id, message_id FROM messages)";
    assert_eq!(number(&lake, distinct).await, 6 * APPENDS as i64 * 3);
    assert_eq!(
        number(&lake, "SELECT count(*) FROM conversations").await,
        6 * APPENDS as i64
    );
    let joined = "SELECT count(*) FROM messages m JOIN conversations c USING (conversation_id)";
    assert_eq!(number(&lake, joined).await, 6 * APPENDS as i64 * 3);
    let files = lake
        .table("messages")
        .unwrap()
        .snapshot()
        .await
        .unwrap()
        .files()
        .len();
    assert!(files < 6 * APPENDS, "nothing was compacted: {files} files");
}

async fn a_batch_is_seen_whole_or_not_at_all(place: Place) {
    let lake = place.open().await;
    let writer = tokio::spawn(write(Arc::clone(&lake), 0, 20));
    let reader = place
        .open_with(|options| options.staleness = std::time::Duration::ZERO)
        .await;
    while !writer.is_finished() {
        for lake in [&lake, &reader] {
            let pinned = super::rows::pinned(lake);
            // One statement that reads both tables.
            let sql = "SELECT count(*) FROM (SELECT conversation_id FROM messages \
                       EXCEPT SELECT conversation_id FROM conversations)";
            assert_eq!(super::rows::ask(&pinned, sql).await, ["0"]);
            let sql = "SELECT count(*) FROM (SELECT conversation_id FROM conversations \
                       EXCEPT SELECT conversation_id FROM messages)";
            assert_eq!(super::rows::ask(&pinned, sql).await, ["0"]);
        }
    }
    writer.await.unwrap();
}

async fn overtaken_writers_are_told(place: Place) {
    let (one, two) = (place.open().await, place.open().await);
    let rows = |id: &str| vec![("messages".to_string(), messages(id, 0, 2))];
    let first = one.append(Append {
        tables: rows("a"),
        messages_unchanged_since: Some(-1),
    });
    let first = first.await.unwrap().messages_version;
    let moved = Append {
        tables: rows("b"),
        messages_unchanged_since: Some(-1),
    };
    let moved = two.append(moved).await.unwrap_err();
    assert!(
        matches!(moved, LakeError::Moved { .. }) && moved.is_retryable(),
        "{moved}"
    );
    let again = Append {
        tables: rows("b"),
        messages_unchanged_since: Some(first),
    };
    let second = two.append(again).await.unwrap().messages_version;
    assert!(second > first);
    // One's own appends do not count.
    let own = Append {
        tables: rows("c"),
        messages_unchanged_since: Some(first),
    };
    two.append(own).await.unwrap();
    let sql = "SELECT DISTINCT conversation_id FROM messages ORDER BY 1";
    assert_eq!(query(&two, sql).await, ["a", "b", "c"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_that_arrive_together_share_commits() {
    let lake = Place::memory().open().await;
    let appends = (0..300).map(|index| {
        let lake = Arc::clone(&lake);
        tokio::spawn(async move {
            let rows = append(vec![("messages", messages(&format!("c{index}"), 0, 1))]);
            lake.append(rows).await.unwrap().messages_version
        })
    });
    let mut last = 0;
    for append in appends.collect::<Vec<_>>() {
        last = last.max(append.await.unwrap());
    }
    assert!(last < 60, "300 appends took {last} commits");
    assert_eq!(number(&lake, "SELECT count(*) FROM messages").await, 300);
}
