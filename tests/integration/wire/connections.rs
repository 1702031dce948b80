//! What a connection keeps from one statement to the next, and what ends it.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use verbatim::error::Error;
use verbatim::govern;

use super::server::{TestServer, connect, rows, run, state, value};

const MESSAGE: &str = "INSERT INTO messages (conversation_id, message_id, role, sent_at, text) \
                       VALUES ('desk:1', 'a', 'customer', '2024-05-01T10:00:00Z', 'Hello')";

#[test]
fn a_write_that_could_not_be_undone_is_refused() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        for text in [
            format!("{MESSAGE}; SELECT * FROM nowhere"),
            format!("{MESSAGE}; ROLLBACK"),
            format!("CREATE VIEW v AS SELECT 1; {MESSAGE}"),
        ] {
            let error = client.batch_execute(&text).await.unwrap_err();
            assert_eq!(state(&error), "0A000", "{text}");
        }
        assert_eq!(value(&client, "SELECT count(*) FROM messages").await, "0");
        let text = format!("SET application_name = 'x'; {MESSAGE};");
        client.batch_execute(&text).await.unwrap();
        assert_eq!(value(&client, "SELECT count(*) FROM messages").await, "1");
    });
}

#[test]
fn deallocate_reaches_the_statements_of_the_protocol() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        let prepared = client.prepare("SELECT $1::int").await.unwrap();
        assert!(client.query_one(&prepared, &[&1]).await.is_ok());
        client.batch_execute("DEALLOCATE s0").await.unwrap();
        let error = client.query_one(&prepared, &[&1]).await.unwrap_err();
        assert_eq!(state(&error), "26000");
        let again = client.prepare("SELECT $1::int").await.unwrap();
        client.batch_execute("DISCARD ALL").await.unwrap();
        let error = client.query_one(&again, &[&1]).await.unwrap_err();
        assert_eq!(state(&error), "26000");
        let error = client.batch_execute("DEALLOCATE s0").await.unwrap_err();
        assert_eq!(state(&error), "26000");
    });
}

#[test]
fn a_prepared_statement_keeps_the_types_of_its_columns() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        let view = |value: &str| format!("CREATE OR REPLACE VIEW v AS SELECT {value} AS a");
        client.batch_execute(&view("1::bigint")).await.unwrap();
        let prepared = client.prepare("SELECT a FROM v").await.unwrap();
        client.batch_execute(&view("2::bigint")).await.unwrap();
        let row = client.query_one(&prepared, &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 2);
        client.batch_execute(&view("'two'")).await.unwrap();
        let error = client.query_one(&prepared, &[]).await.unwrap_err();
        assert_eq!(state(&error), "0A000");
    });
}

#[test]
fn a_setting_that_a_function_makes_counts_for_the_next_statement() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        value(
            &client,
            "SELECT set_config('search_path', 'information_schema', false)",
        )
        .await;
        let found = value(&client, "SELECT count(*) > 0 FROM tables").await;
        assert_eq!(found, "t");
        // Outside of a transaction a local value has nothing to last for.
        client
            .batch_execute("SET LOCAL search_path = 'public'")
            .await
            .unwrap();
        assert_eq!(
            value(&client, "SHOW search_path").await,
            "information_schema"
        );
    });
}

#[test]
fn a_view_that_lost_what_it_reads_spoils_no_list() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        for statement in [
            "CREATE VIEW low AS SELECT 1 AS a",
            "CREATE VIEW high AS SELECT a FROM low",
            "DROP VIEW low",
        ] {
            client.batch_execute(statement).await.unwrap();
        }
        let error = client
            .batch_execute("SELECT * FROM high")
            .await
            .unwrap_err();
        assert_eq!(state(&error), "42P01");
        let sql =
            "SELECT count(*) > 0 FROM information_schema.columns WHERE table_name = 'messages'";
        assert_eq!(value(&client, sql).await, "t");
    });
}

#[test]
fn strangers_take_no_place_and_the_trusted_lose_theirs() {
    run(async {
        let server = TestServer::start_with(|options| options.max_connections = 2).await;
        let early = server.client().await;
        assert_eq!(value(&early, "SELECT 1").await, "1");
        let lake = server.engine.lake();
        lake.update_catalog::<Error>(|catalog| {
            govern::add_user(catalog, "ada", Some("secret"), true)
        })
        .await
        .unwrap();
        // It came in without a password, as long as there was none.
        let error = early
            .batch_execute("SELECT count(*) FROM messages")
            .await
            .unwrap_err();
        assert_eq!(state(&error), "28000");

        // Startup packets without a password to follow.
        let mut strangers = Vec::new();
        for _ in 0..10 {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            let mut startup = 196_608_i32.to_be_bytes().to_vec();
            startup.extend(b"user\0ada\0database\0verbatim\0\0");
            stream.write_i32(startup.len() as i32 + 4).await.unwrap();
            stream.write_all(&startup).await.unwrap();
            strangers.push(stream);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut config = server.config();
        config.user("ada").password("secret");
        let ada = connect(&config).await.unwrap();
        assert_eq!(value(&ada, "SELECT current_user").await, "ada");
    });
}

#[test]
fn a_session_ends_that_waits_too_long() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        client
            .batch_execute("SET idle_session_timeout = '300ms'")
            .await
            .unwrap();
        tokio::time::timeout(Duration::from_secs(10), async {
            while !client.is_closed() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap();
    });
}

#[test]
fn plans_that_double_with_every_level_are_refused() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        let mut sql = "WITH c0 AS (SELECT 1 AS a)".to_owned();
        for level in 1..=11 {
            let below = level - 1;
            sql +=
                &format!(", c{level} AS (SELECT x.a FROM c{below} x JOIN c{below} y ON x.a = y.a)");
        }
        sql += " SELECT count(*) FROM c11";
        let error = client.batch_execute(&sql).await.unwrap_err();
        assert_eq!(state(&error), "54001");
        assert_eq!(rows(&client, "SELECT 1").await, [["1"]]);
    });
}
