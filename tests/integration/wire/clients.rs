//! Drivers of other languages, as their users use them.

use std::path::Path;
use std::process::Command;

use super::server::{TestServer, run};

/// Runs a command; false, with a word on the standard error, when it cannot be or fails.
fn done(what: &str, command: &mut Command) -> bool {
    match command.output() {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            eprintln!(
                "skipped: {what}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            false
        }
        Err(error) => {
            eprintln!("skipped: {what}: {error}");
            false
        }
    }
}

#[test]
fn psycopg() {
    let folder = tempfile::tempdir().unwrap();
    let python = folder.path().join("bin/python");
    let made = done(
        "python3 -m venv",
        Command::new("python3")
            .args(["-m", "venv"])
            .arg(folder.path()),
    ) && done(
        "pip install psycopg",
        Command::new(&python).args(["-m", "pip", "install", "--quiet", "psycopg[binary]>=3.1,<4"]),
    );
    if !made {
        return;
    }
    run(async move {
        let server = TestServer::start().await;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/psycopg_check.py");
        let port = server.address.port().to_string();
        let output = tokio::task::spawn_blocking(move || {
            Command::new(&python)
                .arg(script)
                .arg(port)
                .output()
                .unwrap()
        })
        .await
        .unwrap();
        assert!(
            output.status.success(),
            "{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    });
}
