//! Readers that know nothing of Verbatim.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::place::Place;
use super::rows::{DAY, START, append, messages, number};

/// A Python with DuckDB, in an environment of its own; `None` where there is no Python or network.
fn python() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("duckdb-environment");
    let python = folder.join("bin/python");
    let run = |program: &Path, arguments: &[&str]| {
        Command::new(program)
            .args(arguments)
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let ready = |python: &Path| run(python, &["-c", "import duckdb"]);
    if !ready(&python) {
        run(Path::new("python3"), &["-m", "venv", folder.to_str()?]);
        run(&python, &["-m", "pip", "install", "--quiet", "duckdb"]);
    }
    ready(&python).then_some(python)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duckdb_reads_the_table() {
    let Some(python) = python() else {
        eprintln!("passed over: needs python3 and the package duckdb");
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
