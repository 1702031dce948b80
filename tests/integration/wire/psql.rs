//! psql itself: what people type first.

use std::process::Command;

use super::server::{TestServer, run};
use crate::absent;

/// The output of psql for an input; `None` when psql is not installed.
async fn psql(server: &TestServer, input: &str) -> Option<(bool, String)> {
    let port = server.address.port().to_string();
    let input = input.to_owned();
    tokio::task::spawn_blocking(move || {
        use std::io::Write;
        use std::process::Stdio;
        let child = Command::new("psql")
            .args([
                "-X",
                "-h",
                "127.0.0.1",
                "-U",
                "tester",
                "-d",
                "verbatim",
                "-p",
                &port,
            ])
            .args(["-v", "ON_ERROR_STOP=1", "-P", "pager=off"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => {
                absent::client(
                    &format!("psql ({error})"),
                    "apt-get install postgresql-client",
                );
                return None;
            }
        };
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        Some((output.status.success(), text))
    })
    .await
    .unwrap()
}

/// Every command works, and its output has what is asked for.
async fn shows(server: &TestServer, command: &str, wanted: &[&str]) {
    let Some((success, text)) = psql(server, &format!("{command}\n")).await else {
        return;
    };
    assert!(success, "{command}\n{text}");
    for wanted in wanted {
        assert!(text.contains(wanted), "{command}: no {wanted} in\n{text}");
    }
}

#[test]
fn the_catalog_commands() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        client
            .batch_execute("CREATE VIEW my_view AS SELECT 1 AS one")
            .await
            .unwrap();
        shows(&server, "\\d", &["messages", "my_view"]).await;
        shows(&server, "\\dt", &["messages", "conversations"]).await;
        shows(&server, "\\dv", &["conversation_facts", "my_view"]).await;
        shows(
            &server,
            "\\d messages",
            &[
                "Table \"verbatim.messages\"",
                "message_id",
                "timestamp with time zone",
                "not null",
            ],
        )
        .await;
        shows(&server, "\\d+ messages", &["message_id"]).await;
        shows(
            &server,
            "\\d my_view",
            &["View \"public.my_view\"", "one", "bigint"],
        )
        .await;
        shows(&server, "\\df sentiment", &["sentiment", "text"]).await;
        shows(&server, "\\df emotion*", &["emotion", "emotion_intensity"]).await;
        shows(
            &server,
            "\\df sentiment_*",
            &["sentiment_aspects", "sentiment_detail"],
        )
        .await;
        shows(&server, "\\l", &["verbatim", "UTF8"]).await;
        shows(&server, "\\dn", &["public", "verbatim"]).await;
        shows(&server, "\\du", &["Role name"]).await;
        shows(&server, "\\conninfo", &["verbatim"]).await;
    });
}

#[test]
fn queries_and_copy() {
    run(async {
        let server = TestServer::start().await;
        shows(
            &server,
            "INSERT INTO messages (conversation_id, message_id, sent_at, role, text) \
             VALUES ('p-1', 'm-1', '2024-03-01 10:00:00+00', 'customer', 'Where is my parcel?');",
            &["INSERT 0 1"],
        )
        .await;
        shows(
            &server,
            "SELECT * FROM messages;",
            &["Where is my parcel?", "(1 row)"],
        )
        .await;
        shows(
            &server,
            "\\x\nSELECT role, text FROM messages;",
            &["-[ RECORD 1 ]", "customer"],
        )
        .await;
        shows(
            &server,
            "\\copy messages (conversation_id, message_id, sent_at, role, text) from pstdin\n\
             p-1\tm-2\t2024-03-01 10:01:00+00\tagent\tOn its way.\n\\.",
            &["COPY 1"],
        )
        .await;
        shows(
            &server,
            "COPY (SELECT message_id FROM messages ORDER BY 1) TO STDOUT;",
            &["m-1\nm-2\n"],
        )
        .await;
    });
}

#[test]
fn an_error_looks_as_it_does_in_postgresql() {
    run(async {
        let server = TestServer::start().await;
        let Some((success, text)) =
            psql(&server, "\\set VERBOSITY verbose\nSELECT * FROM nowhere;\n").await
        else {
            return;
        };
        assert!(!success);
        assert!(text.contains("ERROR:  42P01:"), "{text}");
    });
}
