//! The three shared sets of conversations, counted against the files independently.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use super::Fixture;
use crate::absent::data;

fn read(path: &PathBuf) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    match serde_json::from_str(&text) {
        Ok(Value::Array(records)) => records,
        _ => text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    }
}

fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Imports a file twice and compares its turns, as (conversation, role, text), with `expected`.
async fn compare(fixture: &Fixture, path: &PathBuf, mut expected: Vec<(String, String, String)>) {
    let (report, rejects) = fixture.import(path).await;
    assert_eq!(rejects, Vec::new());
    assert_eq!(report.messages, expected.len() as u64);
    let context = datafusion::prelude::SessionContext::new();
    let table = fixture.lake.table("messages").unwrap();
    context
        .register_table("messages", table.provider())
        .unwrap();
    let query = "SELECT source_conversation_id, role, coalesce(text, '') FROM messages";
    let batches = context.sql(query).await.unwrap().collect().await.unwrap();
    let mut found = Vec::new();
    for batch in batches {
        let column = |index: usize| {
            let column = datafusion::arrow::compute::cast(
                batch.column(index),
                &datafusion::arrow::datatypes::DataType::Utf8,
            )
            .unwrap();
            datafusion::arrow::array::AsArray::as_string::<i32>(&column).clone()
        };
        let (conversation, role, text) = (column(0), column(1), column(2));
        for row in 0..batch.num_rows() {
            found.push((
                conversation.value(row).to_string(),
                role.value(row).to_string(),
                text.value(row).to_string(),
            ));
        }
    }
    found.sort();
    expected.sort();
    assert_eq!(found.len(), expected.len());
    assert!(found == expected, "the turns differ");
    let versions = fixture.versions().await;
    let (again, _) = fixture.import(path).await;
    assert_eq!((again.messages, again.conversations), (0, 0));
    assert_eq!(again.duplicates, expected.len() as u64);
    assert_eq!(
        fixture.versions().await,
        versions,
        "the second import wrote something"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twitter_care_comes_in_whole() {
    let Some(path) = data("twitter-care/conversations.json") else {
        return;
    };
    let records = read(&path);
    let mut expected = Vec::new();
    let mut posts: BTreeSet<String> = BTreeSet::new();
    for record in &records {
        let id = text(record, "/dialogHeader/sessionID").to_string();
        let mut turns = 0;
        for post in record["dialogContent"].as_array().unwrap() {
            let role = if post.get("agent").is_some() {
                "agent"
            } else {
                "customer"
            };
            expected.push((id.clone(), role.into(), text(post, "/message").into()));
            posts.insert(text(post, "/tweet_ID").into());
            turns += 1;
        }
        let answer = &record["agentURL"];
        expected.push((
            id.clone(),
            "agent".into(),
            text(answer, "/url_utterance").into(),
        ));
        posts.insert(text(answer, "/tweet_ID").into());
        // The header's own count is the number of turns with the answer.
        assert_eq!(
            text(record, "/dialogHeader/messageCount"),
            (turns + 1).to_string()
        );
    }
    let fixture = Fixture::new().await;
    compare(&fixture, &path, expected.clone()).await;
    assert_eq!(fixture.count("conversations").await, records.len() as u64);
    // Posts that belong to two conversations are in both.
    assert!(posts.len() < expected.len());
    let found = fixture
        .rows("SELECT count(DISTINCT message_id) FROM messages")
        .await;
    assert_eq!(found, [posts.len().to_string()]);
    // The answer's time, out of its id, comes after the dialogue, and the companies are no
    // customers.
    let late = "SELECT count(*) FROM (SELECT conversation_id, max(turn_index) AS last,
        count(*) AS turns FROM messages GROUP BY 1) AS c
        JOIN messages AS m ON m.conversation_id = c.conversation_id AND m.turn_index = c.last
        WHERE m.role = 'agent' AND c.last = c.turns - 1";
    assert_eq!(fixture.rows(late).await, [records.len().to_string()]);
    let mixed = "SELECT count(*) FROM messages m JOIN conversations c
        ON c.conversation_id = m.conversation_id
        WHERE m.role = 'customer' AND m.source_customer_id <> c.source_customer_id";
    let second_customers = records.iter().flat_map(|record| {
        record["dialogContent"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|post| post.get("client1").is_some())
    });
    assert_eq!(
        fixture.rows(mixed).await,
        [second_customers.count().to_string()]
    );
    assert_eq!(
        fixture
            .rows("SELECT count(*) FROM messages WHERE made IS NOT NULL")
            .await,
        ["0"]
    );
    // Nothing of the source is lost.
    let kept = "SELECT count(*) FROM messages WHERE attributes LIKE '%\"doc_id\":%'";
    assert_eq!(fixture.rows(kept).await, [records.len().to_string()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bot_airline_comes_in_whole() {
    let Some(path) = data("bot-airline/conversations.json") else {
        return;
    };
    let records = read(&path);
    let mut expected = Vec::new();
    let (mut calls, mut silent) = (0, 0);
    for record in &records {
        let id = format!("{}-{}", record["task_id"], record["trial"]);
        for turn in record["traj"].as_array().unwrap() {
            let role = match text(turn, "/role") {
                "user" => "customer",
                "assistant" => "bot",
                other => other,
            };
            calls += usize::from(turn.get("tool_calls").is_some());
            silent += usize::from(turn["content"].is_null());
            expected.push((id.clone(), role.into(), text(turn, "/content").into()));
        }
    }
    let fixture = Fixture::new().await;
    compare(&fixture, &path, expected.clone()).await;
    assert_eq!(fixture.count("conversations").await, records.len() as u64);
    let kept = "SELECT count(*) FROM messages WHERE attributes LIKE '%\"tool_calls\":%'";
    assert_eq!(fixture.rows(kept).await, [calls.to_string()]);
    let tool_calls =
        "SELECT count(*) FROM messages WHERE content_type = 'tool_call' AND text IS NULL";
    assert_eq!(fixture.rows(tool_calls).await, [silent.to_string()]);
    let made =
        "SELECT count(*) FROM messages WHERE array_to_string(made, ',') = 'message_id,sent_at'";
    let context_rows = fixture
        .rows("SELECT count(*) FROM messages WHERE made IS NOT NULL")
        .await;
    assert_eq!(context_rows, [expected.len().to_string()], "{made}");
    let turns =
        "SELECT count(*) FROM messages WHERE (turn_index IS NULL) <> (role IN ('tool', 'system'))";
    assert_eq!(fixture.rows(turns).await, ["0"]);
    let success = records
        .iter()
        .filter(|record| record["reward"] == 1.0)
        .count();
    let found = fixture
        .rows("SELECT count(*) FROM conversations WHERE disposition = 'success'")
        .await;
    assert_eq!(found, [success.to_string()]);
    // Made times are made the same way everywhere.
    let times =
        "SELECT message_id, sent_at FROM messages ORDER BY conversation_id, sent_at, message_id";
    let other = Fixture::new().await;
    other.import(&path).await;
    assert_eq!(fixture.rows(times).await, other.rows(times).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn complaint_chats_come_in_whole() {
    let Some(path) = data("complaint-chats/conversations.jsonl") else {
        return;
    };
    let records = read(&path);
    let mut expected = Vec::new();
    let (mut both, mut attached) = (0, 0);
    for record in &records {
        let id = text(record, "/id").to_string();
        for turn in record["turns"].as_array().unwrap() {
            let role = text(turn, "/role").to_lowercase();
            let role = if role == "user" { "customer" } else { "agent" };
            expected.push((id.clone(), role.into(), text(turn, "/content").into()));
            if let Some(answer) = turn.get("agent") {
                both += 1;
                expected.push((id.clone(), "agent".into(), answer.as_str().unwrap().into()));
            }
            let extra = ["media_type", "content_type", "metadata"];
            attached += usize::from(extra.iter().any(|key| turn.get(*key).is_some()));
        }
    }
    assert!(both > 0 && attached > 0);
    let fixture = Fixture::new().await;
    compare(&fixture, &path, expected).await;
    assert_eq!(fixture.count("conversations").await, records.len() as u64);
    let found = fixture
        .rows("SELECT count(*) FROM messages WHERE content_type = 'attachment'")
        .await;
    assert_eq!(found, [attached.to_string()]);
    // Turns that hold an answer are followed by it.
    let found = "SELECT count(*) FROM (SELECT turn_index - lag(turn_index) OVER
        (PARTITION BY conversation_id ORDER BY sent_at) AS step FROM messages) AS s WHERE step <> 1";
    assert_eq!(fixture.rows(found).await, ["0"]);
}
