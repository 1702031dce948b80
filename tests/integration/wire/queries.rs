//! Statements in both protocols.

use futures::{StreamExt, TryStreamExt};
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::types::Type;

use super::server::{TestServer, connect, rows, run, state, value};

#[test]
fn several_statements_in_one_text() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        let messages = client
            .simple_query("SELECT 1; SELECT 2, 3; SET TimeZone = 'UTC'")
            .await;
        let messages = messages.unwrap();
        let complete = messages
            .iter()
            .filter(|m| matches!(m, SimpleQueryMessage::CommandComplete(_)));
        assert_eq!(complete.count(), 3);
        assert_eq!(
            rows(&client, "SELECT 4 AS a, NULL AS b").await,
            [["4", "∅"]]
        );
        // Nothing at all is answered too.
        assert!(rows(&client, "").await.is_empty());
        assert!(rows(&client, " ; -- nothing\n ;").await.is_empty());
    });
}

#[test]
fn the_first_failure_ends_the_text() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        let text = "SET application_name = 'before'; SELECT 1/0; SET application_name = 'after'";
        let error = client.simple_query(text).await.unwrap_err();
        assert_eq!(state(&error), "22012");
        assert_eq!(value(&client, "SHOW application_name").await, "before");
    });
}

#[test]
fn errors_carry_their_sqlstate() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        for (sql, expected) in [
            ("SELEC 1", "42601"),
            ("SELECT * FROM nowhere", "42P01"),
            ("SELECT nothing FROM messages", "42703"),
            ("SELECT nofunction(1)", "42883"),
            ("SELECT 1/0", "22012"),
            ("SELECT CAST('x' AS int)", "22P02"),
            ("SET nosuchsetting = 1", "42704"),
            ("COPY messages TO '/tmp/stolen'", "42501"),
        ] {
            let simple = client.simple_query(sql).await.unwrap_err();
            assert_eq!(state(&simple), expected, "{sql}");
            let extended = client.query(sql, &[]).await.unwrap_err();
            assert_eq!(state(&extended), expected, "{sql}");
        }
        assert_eq!(value(&client, "SELECT 1").await, "1");
    });
}

#[test]
fn parameters_of_many_types() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        let row = client
            .query_one(
                "SELECT $1::bigint + 1, $2::text || '!', $3::float8 * 2, $4::boolean, $5::text",
                &[&41_i64, &"hey", &1.5_f64, &true, &None::<String>],
            )
            .await
            .unwrap();
        assert_eq!(row.get::<_, i64>(0), 42);
        assert_eq!(row.get::<_, &str>(1), "hey!");
        assert!((row.get::<_, f64>(2) - 3.0).abs() < f64::EPSILON);
        assert!(row.get::<_, bool>(3));
        assert_eq!(row.get::<_, Option<&str>>(4), None);

        let wanted: Vec<i64> = vec![1, 3];
        let found = client
            .query(
                "SELECT n FROM (VALUES (1::bigint), (2::bigint), (3::bigint)) AS t(n) \
                 WHERE n = ANY($1) ORDER BY n",
                &[&wanted],
            )
            .await
            .unwrap();
        assert_eq!(
            found.iter().map(|row| row.get(0)).collect::<Vec<i64>>(),
            wanted
        );

        let statement = client
            .prepare_typed("SELECT $1", &[Type::INT4])
            .await
            .unwrap();
        assert_eq!(statement.params(), [Type::INT4]);
        assert_eq!(statement.columns()[0].type_(), &Type::INT4);
        let row = client.query_one(&statement, &[&7_i32]).await.unwrap();
        assert_eq!(row.get::<_, i32>(0), 7);
    });
}

#[test]
fn statements_are_described_before_they_run() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        let statement = client
            .prepare("SELECT message_id, sent_at, turn_index FROM messages WHERE channel = $1")
            .await
            .unwrap();
        assert_eq!(statement.params(), [Type::TEXT]);
        let columns: Vec<_> = statement
            .columns()
            .iter()
            .map(|c| (c.name().to_owned(), c.type_().clone()))
            .collect();
        assert_eq!(columns[0], ("message_id".to_owned(), Type::TEXT));
        assert_eq!(columns[1], ("sent_at".to_owned(), Type::TIMESTAMPTZ));
        assert_eq!(columns[2].1, Type::INT4);
        let insert = client
            .prepare("INSERT INTO messages (message_id) VALUES ($1)")
            .await
            .unwrap();
        assert!(insert.columns().is_empty());
        assert_eq!(insert.params(), [Type::TEXT]);
    });
}

#[test]
fn a_portal_goes_on_where_it_paused() {
    run(async {
        let server = TestServer::start().await;
        let mut client = server.client().await;
        let transaction = client.transaction().await.unwrap();
        let portal = transaction
            .bind(
                "SELECT value FROM generate_series(1, 20000) ORDER BY value",
                &[],
            )
            .await
            .unwrap();
        let mut all = Vec::new();
        loop {
            let rows = transaction.query_portal(&portal, 7_000).await.unwrap();
            if rows.is_empty() {
                break;
            }
            assert!(rows.len() <= 7_000);
            all.extend(rows.iter().map(|row| row.get::<_, i64>(0)));
        }
        assert_eq!(all, (1..=20_000).collect::<Vec<i64>>());
        transaction.commit().await.unwrap();
    });
}

#[test]
fn a_large_result_arrives_whole() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        let sql = "SELECT value, repeat('x', 100) FROM generate_series(1, 200000)";
        let stream = client.query_raw(sql, Vec::<String>::new()).await.unwrap();
        let rows: usize = stream
            .map_ok(|row| usize::from(row.get::<_, &str>(1).len() == 100))
            .try_fold(0, |sum, one| async move { Ok(sum + one) })
            .await
            .unwrap();
        assert_eq!(rows, 200_000);
    });
}

#[test]
fn a_failed_transaction_refuses_until_it_ends() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        client.batch_execute("BEGIN").await.unwrap();
        assert_eq!(
            state(&client.batch_execute("SELECT 1/0").await.unwrap_err()),
            "22012"
        );
        assert_eq!(
            state(&client.batch_execute("SELECT 1").await.unwrap_err()),
            "25P02"
        );
        assert_eq!(
            state(&client.query("SELECT 1", &[]).await.unwrap_err()),
            "25P02"
        );
        client.batch_execute("ROLLBACK").await.unwrap();
        assert_eq!(value(&client, "SELECT 1").await, "1");
    });
}

#[test]
fn settings_are_per_connection_and_reported() {
    run(async {
        let server = TestServer::start().await;
        let one = server.client().await;
        let other = server.client().await;
        one.batch_execute("SET TimeZone = 'Europe/Berlin'")
            .await
            .unwrap();
        let instant = "SELECT TIMESTAMPTZ '2024-07-01 00:00:00+00'";
        assert_eq!(value(&one, instant).await, "2024-07-01 02:00:00+02");
        assert_eq!(value(&other, instant).await, "2024-07-01 00:00:00+00");

        let mut config = server.config();
        config
            .options("-c TimeZone=Asia/Tokyo")
            .application_name("wire test");
        let client = connect(&config).await.unwrap();
        assert_eq!(value(&client, "SHOW TimeZone").await, "Asia/Tokyo");
        assert_eq!(value(&client, "SHOW application_name").await, "wire test");
        assert_eq!(value(&client, instant).await, "2024-07-01 09:00:00+09");
    });
}

#[test]
fn an_insert_is_durable_and_visible_when_it_is_acknowledged() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let count = "SELECT count(*) FROM messages WHERE conversation_id = 'wire-1'";
        {
            let engine = super::server::open(folder.path()).await;
            let server = TestServer::serve(engine, |_| {}).await;
            let client = server.client().await;
            let inserted = client
                .execute(
                    "INSERT INTO messages (conversation_id, message_id, sent_at, role, text) \
                     VALUES ($1, $2, TIMESTAMPTZ '2024-03-01 10:00:00+00', $3, $4)",
                    &[
                        &"wire-1",
                        &"m-1",
                        &"customer",
                        &"The invoice is wrong again.",
                    ],
                )
                .await
                .unwrap();
            assert_eq!(inserted, 1);
            // Another connection sees it at once.
            assert_eq!(value(&server.client().await, count).await, "1");
            let conversations =
                "SELECT count(*) FROM conversations WHERE conversation_id = 'wire-1'";
            assert_eq!(value(&client, conversations).await, "1");
        }
        // And so does another process: the lake is opened anew, without an orderly end before.
        let engine = super::server::open(folder.path()).await;
        let server = TestServer::serve(engine, |_| {}).await;
        assert_eq!(value(&server.client().await, count).await, "1");
    });
}

#[test]
fn ten_thousand_terms_do_not_end_the_server() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        let sum = format!("SELECT {}", vec!["1"; 10_000].join(" + "));
        match client.simple_query(&sum).await {
            Ok(_) => {}
            Err(error) => assert_eq!(state(&error), "54001"),
        }
        let list: Vec<String> = (0..20_000).map(|n| n.to_string()).collect();
        let list = format!("SELECT 19999 IN ({})", list.join(", "));
        assert_eq!(value(&client, &list).await, "t");
        assert_eq!(value(&client, "SELECT 1").await, "1");
    });
}

#[test]
fn two_hundred_connections_at_once() {
    run(async {
        let server = TestServer::start().await;
        let clients = futures::stream::iter(0..200)
            .map(|_| server.client())
            .buffer_unordered(32)
            .collect::<Vec<_>>()
            .await;
        let answers = futures::stream::iter(clients.iter().enumerate())
            .map(|(nth, client)| async move {
                client
                    .query_one("SELECT $1::bigint", &[&(nth as i64)])
                    .await
                    .unwrap()
                    .get::<_, i64>(0)
            })
            .buffered(200)
            .collect::<Vec<i64>>()
            .await;
        assert_eq!(answers, (0..200).collect::<Vec<i64>>());
    });
}
