//! Compaction and replacement of files.

use std::sync::Arc;

use datafusion::physical_plan::execute_stream;
use verbatim::lake::{Lake, LakeError};

use super::place::{Place, everywhere};
use super::rows::{DAY, START, append, conversation, deleted, messages, number, query, session};

everywhere!(
    compaction_keeps_rows_and_drops_superseded_versions,
    late_versions_lose_after_compaction_too,
    replacing_files_goes_on_beside_appends,
);

async fn files(lake: &Lake, table: &str) -> usize {
    lake.table(table)
        .unwrap()
        .snapshot()
        .await
        .unwrap()
        .files()
        .len()
}

async fn compaction_keeps_rows_and_drops_superseded_versions(place: Place) {
    let lake = place
        .open_with(|options| options.compact_files = 1000)
        .await;
    for index in 0..10 {
        let id = format!("c{}", index % 4);
        let rows = append(vec![
            ("messages", messages(&id, index * 2, 2)),
            (
                "conversations",
                conversation(&id, &format!("s{index}"), START + index as i64),
            ),
        ]);
        lake.append(rows).await.unwrap();
    }
    let gone = deleted(conversation("c3", "s", START + DAY));
    lake.append(append(vec![("conversations", gone)]))
        .await
        .unwrap();
    let edited = super::rows::edited(messages("c0", 0, 1), "other words");
    lake.append(append(vec![("messages", edited)]))
        .await
        .unwrap();
    let text =
        "SELECT conversation_id, message_id, role, sent_at, text FROM messages ORDER BY 1, 2";
    let status = "SELECT conversation_id, status FROM conversations ORDER BY 1";
    let before = (query(&lake, text).await, query(&lake, status).await);
    assert_eq!(before.1, ["c0|s8", "c1|s9", "c2|s6"]);
    assert_eq!(
        (
            files(&lake, "messages").await,
            files(&lake, "conversations").await
        ),
        (11, 11)
    );

    lake.maintain().await.unwrap();
    let after = (query(&lake, text).await, query(&lake, status).await);
    assert_eq!(before, after);
    assert_eq!(
        (
            files(&lake, "messages").await,
            files(&lake, "conversations").await
        ),
        (1, 1)
    );
    let conversations = lake
        .table("conversations")
        .unwrap()
        .snapshot()
        .await
        .unwrap();
    assert_eq!(conversations.records(), 3);
    assert!(conversations.files()[0].settled);
    // A new version after compaction, and another process that starts from the checkpoint.
    let rows = append(vec![(
        "conversations",
        conversation("c1", "new", START + DAY),
    )]);
    lake.append(rows).await.unwrap();
    let other = place.open().await;
    for lake in [&lake, &other] {
        assert_eq!(query(lake, status).await, ["c0|s8", "c1|new", "c2|s6"]);
        assert_eq!(query(lake, text).await, before.0);
    }
}

async fn late_versions_lose_after_compaction_too(place: Place) {
    let lake = place.open().await;
    let put = async |id: &str, status: &str, at: i64| {
        let rows = append(vec![(
            "conversations",
            conversation(id, status, START + at),
        )]);
        lake.append(rows).await.unwrap();
    };
    put("a", "second", 20).await;
    put("b", "only", 20).await;
    lake.maintain().await.unwrap();
    put("a", "first", 10).await;
    let sql = "SELECT conversation_id, status FROM conversations ORDER BY 1";
    assert_eq!(query(&lake, sql).await, ["a|second", "b|only"]);
    assert_eq!(number(&lake, "SELECT count(*) FROM conversations").await, 2);
    lake.maintain().await.unwrap();
    assert_eq!(query(&lake, sql).await, ["a|second", "b|only"]);
}

async fn replacing_files_goes_on_beside_appends(place: Place) {
    let lake = place.open().await;
    for index in 0..5 {
        let rows = append(vec![("messages", messages(&format!("c{index}"), 0, 4))]);
        lake.append(rows).await.unwrap();
    }
    let table = Arc::clone(lake.table("messages").unwrap());
    let pinned = table.snapshot().await.unwrap();
    let session = session(&lake);
    let rows = |files: &[_]| {
        let plan = table
            .scan_files(&session.state(), files, None, &[], None)
            .unwrap();
        execute_stream(plan, session.task_ctx()).unwrap()
    };
    let others = place.open().await;
    others
        .append(append(vec![("messages", messages("new", 0, 4))]))
        .await
        .unwrap();
    table
        .replace(&pinned.files()[..3], rows(&pinned.files()[..3]))
        .await
        .unwrap();
    let again = table
        .replace(&pinned.files()[2..], rows(&pinned.files()[3..]))
        .await
        .unwrap_err();
    assert!(matches!(again, LakeError::Replaced { .. }), "{again}");
    for lake in [&lake, &others] {
        assert_eq!(number(lake, "SELECT count(*) FROM messages").await, 24);
    }
    let files = table.snapshot().await.unwrap();
    assert_eq!(files.files().len(), 4);
    assert!(files.files().iter().all(|file| file.settled));
}
