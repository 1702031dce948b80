//! Readers that know nothing of Verbatim.

use std::path::Path;
use std::process::Command;

use super::place::Place;
use super::rows::{DAY, START, append, messages, number};
use crate::absent::python_with;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duckdb_reads_the_table() {
    let Some(python) = python_with("duckdb", "duckdb") else {
        return;
    };
    let place = Place::folder();
    let lake = place.open().await;
    for index in 0..6 {
        let rows = messages(&format!("c{index}"), index * 10, 10);
        lake.append(append(vec![("messages", rows)])).await.unwrap();
        if index == 3 {
            lake.maintain().await.unwrap();
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/read_lake.py");
    let table = Path::new(&place.url).join("messages");
    let output = Command::new(python)
        .arg(script)
        .arg(table)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let characters = number(&lake, "SELECT sum(character_length(text)) FROM messages").await;
    let found = String::from_utf8(output.stdout).unwrap();
    let last = (START + 59 * DAY / 24) / 1_000_000;
    assert_eq!(found.trim(), format!("60 60 {characters} {last}"));
}
