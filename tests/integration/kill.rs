//! kill -9 during an import: what was acknowledged is there, once, and the same import run again
//! completes the set.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::prelude::SessionContext;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use verbatim::lake::{Lake, LakeOptions};

use super::import::message;

const KILLS: usize = 50;
const MESSAGES: usize = 6_000;
const CONVERSATIONS: usize = 750;
/// A slow machine shall not make the test long.
const LONGEST: Duration = Duration::from_millis(1200);
const SEED: u64 = 2024;

/// Id of the message on a line of the file, from 1.
fn id(line: u64) -> String {
    format!("m{line}")
}

/// The conversations of the file are mixed, so that they grow from batch to batch.
fn file(folder: &Path) -> String {
    let lines = (1..=MESSAGES).map(|line| {
        let conversation = format!("c{}", line * 7919 % CONVERSATIONS);
        let role = if line % 2 == 0 { "customer" } else { "agent" };
        message(
            &conversation,
            &id(line as u64),
            role,
            line as u32 % 60,
            "Where is my parcel?",
        )
    });
    let path = folder.join("messages.jsonl");
    std::fs::write(&path, lines.collect::<Vec<_>>().join("\n")).unwrap();
    path.display().to_string()
}

fn command(folder: &Path, file: &str, lake: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verbatim"));
    command
        .args([
            "import",
            file,
            "--quiet",
            "--batch-rows",
            "200",
            "--lake",
            lake,
        ])
        .arg("--acknowledge-file")
        .arg(folder.join("acknowledged.jsonl"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Lines of the file whose batch was acknowledged. The last line may be cut off by the kill.
fn acknowledged(folder: &Path) -> BTreeSet<u64> {
    let text = std::fs::read_to_string(folder.join("acknowledged.jsonl")).unwrap_or_default();
    let whole = text
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    whole
        .flat_map(|batch| {
            batch["first_line"].as_u64().unwrap()..=batch["last_line"].as_u64().unwrap()
        })
        .collect()
}

/// How often each message is in the lake.
async fn stored(lake: &Arc<Lake>) -> BTreeMap<String, u32> {
    let context = SessionContext::new();
    let messages = lake.table("messages").unwrap().provider();
    let rows = context
        .read_table(messages)
        .unwrap()
        .select_columns(&["message_id"])
        .unwrap();
    let mut stored = BTreeMap::new();
    for batch in rows.collect().await.unwrap() {
        let ids = cast(batch.column(0), &DataType::Utf8).unwrap();
        for id in ids.as_string::<i32>().iter().flatten() {
            *stored.entry(id.to_string()).or_default() += 1;
        }
    }
    stored
}

async fn count(lake: &Arc<Lake>, sql: &str) -> i64 {
    let context = SessionContext::new();
    for table in ["messages", "conversations"] {
        let provider = lake.table(table).unwrap().provider();
        context.register_table(table, provider).unwrap();
    }
    let rows = context.sql(sql).await.unwrap().collect().await.unwrap();
    rows[0]
        .column(0)
        .as_primitive::<datafusion::arrow::datatypes::Int64Type>()
        .value(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_fifty_times_nothing_is_lost_or_doubled() {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = file(folder);
    let (mut round, mut cut_short, mut lakes) = (0, 0, 0);
    // What an undisturbed import takes decides when to kill.
    let mut longest = Duration::from_millis(1000);
    while round < KILLS {
        lakes += 1;
        let path = folder.join(format!("lake-{lakes}")).display().to_string();
        let _ = std::fs::remove_file(folder.join("acknowledged.jsonl"));
        let mut finished = false;
        while !finished && round < KILLS {
            round += 1;
            let begun = std::time::Instant::now();
            let mut import = command(folder, &file, &path).spawn().unwrap();
            let wait = longest.mul_f64(random.random_range(0.1..1.0));
            while begun.elapsed() < wait && !finished {
                tokio::time::sleep(Duration::from_millis(2)).await;
                finished = import.try_wait().unwrap().is_some();
            }
            if finished {
                longest = begun.elapsed().min(LONGEST);
            } else {
                import.kill().unwrap();
            }
            import.wait().unwrap();
            let acknowledged = acknowledged(folder);
            let options = LakeOptions {
                create: acknowledged.is_empty(),
                ..LakeOptions::default()
            };
            let lake = Lake::open(&path, options).await.unwrap();
            let stored = stored(&lake).await;
            let doubled: Vec<_> = stored.iter().filter(|(_, count)| **count != 1).collect();
            assert!(
                doubled.is_empty(),
                "round {round}, seed {SEED}: doubled {doubled:?}"
            );
            let lost: Vec<_> = acknowledged
                .iter()
                .filter(|line| !stored.contains_key(&id(**line)))
                .collect();
            assert!(
                lost.is_empty(),
                "round {round}, seed {SEED}: lost lines {lost:?}"
            );
            let orphans = "SELECT count(*) FROM messages AS m LEFT JOIN conversations AS c
                ON c.conversation_id = m.conversation_id WHERE c.conversation_id IS NULL";
            assert_eq!(
                count(&lake, orphans).await,
                0,
                "round {round}: messages of no conversation"
            );
            cut_short += usize::from(!finished && !stored.is_empty());
            lake.close().await.unwrap();
        }
        assert!(command(folder, &file, &path).status().unwrap().success());
        let lake = Lake::open(&path, LakeOptions::default()).await.unwrap();
        assert_eq!(stored(&lake).await.len(), MESSAGES);
        assert_eq!(
            count(&lake, "SELECT count(*) FROM messages").await,
            MESSAGES as i64
        );
        let conversations = count(&lake, "SELECT count(*) FROM conversations").await;
        assert_eq!(conversations, CONVERSATIONS as i64);
        let numbers = "SELECT count(*) FROM (SELECT conversation_id FROM messages GROUP BY 1
            HAVING count(DISTINCT turn_index) <> count(*) OR max(turn_index) <> count(*) - 1)";
        assert_eq!(
            count(&lake, numbers).await,
            0,
            "turns are numbered twice or not at all"
        );
    }
    assert!(
        cut_short >= KILLS / 4,
        "only {cut_short} of {KILLS} kills hit an import at work"
    );
}
