//! Drivers of other languages, as their users use them.

use std::path::Path;
use std::process::Command;

use super::server::{TestServer, run};
use crate::absent::python_with;

#[test]
fn psycopg() {
    let Some(python) = python_with("psycopg", "psycopg[binary]>=3.1,<4") else {
        return;
    };
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
