//! Edited and deleted messages.

use super::Fixture;

const MESSAGES: &str = "SELECT message_id, text, turn_index, edited_at FROM messages ORDER BY 1";

fn insert(columns: &str, values: &str) -> String {
    format!(
        "INSERT INTO messages (conversation_id, message_id, role, sent_at, text{columns}) VALUES
        {values}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_supersedes_and_a_deletion_hides() {
    let fixture = Fixture::new().await;
    let both = insert(
        "",
        "('c1', 'a', 'customer', '2024-03-01T10:00:00Z', 'hello'),
        ('c1', 'b', 'agent', '2024-03-01T10:01:00Z', 'hi')",
    );
    fixture.run(&both).await.unwrap();
    let edit = |text: &str, hour: u32| {
        insert(
            ", edited_at",
            &format!(
                "('c1', 'a', 'customer', '2024-03-01T10:00:00Z', '{text}', '2024-03-01T{hour}:00:00Z')"
            ),
        )
    };
    assert_eq!(fixture.run(&edit("edited", 12)).await.unwrap(), ["1"]);
    // The same, and an earlier one that comes late.
    assert_eq!(fixture.run(&edit("edited", 12)).await.unwrap(), ["0"]);
    assert_eq!(fixture.run(&edit("older", 11)).await.unwrap(), ["0"]);
    let edited = ["a|edited|0|2024-03-01T12:00:00Z", "b|hi|1|NULL"];
    assert_eq!(fixture.rows(MESSAGES).await, edited);
    let delete = insert(
        ", is_deleted",
        "('c1', 'a', 'customer', '2024-03-01T10:00:00Z', NULL, true),
        ('c1', 'b', 'agent', '2024-03-01T10:01:00Z', NULL, true)",
    );
    assert_eq!(fixture.run(&delete).await.unwrap(), ["2"]);
    assert_eq!(fixture.count("messages").await, 0);
    let versions = fixture.versions().await;
    for again in [delete, edit("edited", 12), both] {
        assert_eq!(fixture.run(&again).await.unwrap(), ["0"]);
    }
    assert_eq!(fixture.versions().await, versions);
    // Only a later edit brings it back.
    assert_eq!(fixture.run(&edit("back", 13)).await.unwrap(), ["1"]);
    assert_eq!(
        fixture.rows(MESSAGES).await,
        ["a|back|0|2024-03-01T13:00:00Z"]
    );
    fixture.lake.maintain().await.unwrap();
    assert_eq!(
        fixture.rows(MESSAGES).await,
        ["a|back|0|2024-03-01T13:00:00Z"]
    );
}

/// Many conversations, so that the index is asked; originals and versions in one file.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_import_of_versions_changes_nothing_the_second_time() {
    let fixture = Fixture::new().await;
    let line = |number: usize, text: &str, edited: Option<&str>, deleted: bool| {
        let mut line = serde_json::json!({
            "source": "test", "conversation_id": format!("c{number}"), "message_id": "m",
            "role": "customer", "channel": "chat", "sent_at": "2024-03-01T10:00:00Z", "text": text,
        });
        if let Some(edited) = edited {
            line["edited_at"] = edited.into();
        }
        if deleted {
            line["is_deleted"] = true.into();
        }
        line.to_string()
    };
    let mut lines: Vec<_> = (0..300)
        .map(|number| line(number, "first", None, false))
        .collect();
    for number in 0..100 {
        lines.push(line(number, "second", Some("2024-03-01T11:00:00Z"), false));
        lines.push(line(number, "third", Some("2024-03-01T12:00:00Z"), false));
    }
    for number in 50..150 {
        lines.push(line(number, "", None, true));
    }
    let file = fixture.file("m.jsonl", lines.join("\n"));
    for batch_rows in [1000, 90] {
        let fixture = Fixture::new().await;
        let import = || fixture.try_import(&file, |options| options.batch_rows = batch_rows);
        let (report, rejects) = import().await.unwrap();
        assert!(rejects.is_empty(), "{rejects:?}");
        assert_eq!(report.messages, 600);
        let texts = "SELECT text, count(*), min(turn_index), max(turn_index) FROM messages
            GROUP BY 1 ORDER BY 1";
        assert_eq!(fixture.rows(texts).await, ["first|150|0|0", "third|50|0|0"]);
        let versions = fixture.versions().await;
        assert_eq!(import().await.unwrap().0.duplicates, 600);
        assert_eq!(fixture.versions().await, versions);
        // One edit does not make all messages around it be merged at every read.
        let snapshot = fixture
            .lake
            .table("messages")
            .unwrap()
            .snapshot()
            .await
            .unwrap();
        let tail: u64 = snapshot.split().1.iter().map(|file| file.records).sum();
        assert!(tail <= 300, "{tail} rows in the tail");
        fixture.lake.maintain().await.unwrap();
        assert_eq!(fixture.rows(texts).await, ["first|150|0|0", "third|50|0|0"]);
        // What is gone stays gone, however often it is compacted and brought again.
        for _ in 0..2 {
            assert_eq!(import().await.unwrap().0.duplicates, 600);
            let edit = "INSERT INTO messages
                (conversation_id, message_id, role, sent_at, text, edited_at) VALUES
                ('test:c0', 'm', 'customer', '2024-03-01T10:00:00Z', 'third', now())";
            assert_eq!(fixture.run(edit).await.unwrap(), ["1"]);
            fixture.lake.maintain().await.unwrap();
            assert_eq!(fixture.rows(texts).await, ["first|150|0|0", "third|50|0|0"]);
        }
    }
}
