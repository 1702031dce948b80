//! What comes later in a file comes later in the lake, however the file is cut into batches.

use super::Fixture;

fn line(conversation: usize, number: usize) -> String {
    serde_json::json!({
        "source": "test", "conversation_id": format!("c{conversation}"),
        "message_id": format!("m{number}"), "role": "customer", "channel": "chat",
        "sent_at": format!("2024-03-01T{:02}:{:02}:{:02}Z", number / 3600, number / 60 % 60, number % 60),
        "text": "hello",
    })
    .to_string()
}

/// A file in the order of time, its conversations interleaved.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn turns_of_interleaved_conversations_are_numbered_in_order() {
    let fixture = Fixture::new().await;
    let lines = (0..3000).map(|number| line(number % 100, number));
    let file = fixture.file("m.jsonl", lines.collect::<Vec<_>>().join("\n"));
    let import = fixture.try_import(&file, |options| options.batch_rows = 100);
    assert_eq!(import.await.unwrap().0.messages, 3000);
    let wrong = "SELECT count(*) FROM (SELECT turn_index, row_number() OVER
        (PARTITION BY conversation_id ORDER BY sent_at) - 1 AS place FROM messages) AS m
        WHERE turn_index <> place";
    assert_eq!(fixture.rows(wrong).await, ["0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_row_of_a_conversation_wins() {
    let fixture = Fixture::new().await;
    let lines = (0..1000).map(|number| {
        serde_json::json!({
            "source": "s", "conversation_id": "st", "channel": "chat", "status": "open",
            "started_at": "2024-03-01T00:00:00Z", "priority": format!("p{number:05}"),
        })
        .to_string()
    });
    let file = fixture.file("c.jsonl", lines.collect::<Vec<_>>().join("\n"));
    let import = fixture.try_import(&file, |options| options.batch_rows = 40);
    import.await.unwrap();
    let priority = fixture.rows("SELECT priority FROM conversations").await;
    assert_eq!(priority, ["p00999"]);
}

fn events(fixture: &Fixture) -> std::path::PathBuf {
    // Each key twice, in different batches.
    let lines = (0..600).map(|number| {
        serde_json::json!({
            "conversation_id": format!("e{}", number % 300), "event_id": "x", "source": "s",
            "at": "2024-03-01T10:00:00Z", "event_type": "assigned",
        })
        .to_string()
    });
    fixture.file("e.jsonl", lines.collect::<Vec<_>>().join("\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_event_is_there_once() {
    let fixture = Fixture::new().await;
    let file = events(&fixture);
    let options = |options: &mut verbatim::ingest::ImportOptions| {
        options.table = Some("events".into());
        options.batch_rows = 100;
    };
    let (report, _) = fixture.try_import(&file, options).await.unwrap();
    assert_eq!((report.others, report.duplicates), (300, 300));
    assert_eq!(fixture.count("events").await, 300);
    let (report, _) = fixture.try_import(&file, options).await.unwrap();
    assert_eq!((report.others, report.duplicates), (0, 600));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_event_is_there_once_whoever_brings_it() {
    let fixture = Fixture::new().await;
    let file = events(&fixture);
    let others = [fixture.other().await, fixture.other().await];
    let options = |options: &mut verbatim::ingest::ImportOptions| {
        options.table = Some("events".into());
        options.batch_rows = 50;
    };
    let imports = [
        fixture.try_import(&file, options),
        others[0].try_import(&file, options),
        others[1].try_import(&file, options),
    ];
    let reports = futures::future::join_all(imports).await;
    let added: u64 = reports.into_iter().map(|done| done.unwrap().0.others).sum();
    assert_eq!(added, 300);
    assert_eq!(fixture.other().await.count("events").await, 300);
}
