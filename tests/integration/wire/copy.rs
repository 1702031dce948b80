//! COPY in both directions.

use bytes::Bytes;
use futures::{SinkExt, TryStreamExt};
use tokio_postgres::Client;

use super::server::{TestServer, rows, run, state, value};

const COLUMNS: &str = "conversation_id, message_id, sent_at, role, text";

async fn copy_in(
    client: &Client,
    sql: &str,
    chunks: &[&str],
) -> Result<u64, tokio_postgres::Error> {
    let sink = client.copy_in(sql).await?;
    futures::pin_mut!(sink);
    for chunk in chunks {
        sink.send(Bytes::copy_from_slice(chunk.as_bytes())).await?;
    }
    sink.finish().await
}

async fn copy_out(client: &Client, sql: &str) -> String {
    let stream = client.copy_out(sql).await.unwrap();
    let bytes: Vec<Bytes> = stream.try_collect().await.unwrap();
    String::from_utf8(bytes.concat()).unwrap()
}

#[test]
fn text_goes_in_and_comes_out() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        // Lines are cut at arbitrary places.
        let copied = copy_in(
            &client,
            &format!("COPY messages ({COLUMNS}) FROM STDIN"),
            &[
                "c-1\tm-1\t2024-03-01 10:00:00+00\tcustomer\tIt says \\\"ta",
                "b\\there\\\".\\nTwice.\nc-1\tm-2\t2024-03-01 10:01:",
                "00+00\tagent\t\\N\n",
            ],
        )
        .await
        .unwrap();
        assert_eq!(copied, 2);
        let stored = "SELECT message_id, text FROM messages ORDER BY message_id";
        assert_eq!(
            rows(&client, stored).await,
            [["m-1", "It says \"tab\there\".\nTwice."], ["m-2", "∅"]]
        );
        assert_eq!(
            copy_out(&client, &format!("COPY ({stored}) TO STDOUT")).await,
            "m-1\tIt says \"tab\\there\".\\nTwice.\nm-2\t\\N\n"
        );
        assert_eq!(
            copy_out(
                &client,
                &format!("COPY ({stored}) TO STDOUT WITH (FORMAT csv, HEADER)")
            )
            .await,
            "message_id,text\nm-1,\"It says \"\"tab\there\"\".\nTwice.\"\nm-2,\n"
        );
    });
}

#[test]
fn csv_goes_in() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        let copied = copy_in(
            &client,
            &format!("COPY messages ({COLUMNS}) FROM STDIN (FORMAT csv, HEADER true)"),
            &["conversation_id,message_id,sent_at,role,text\r\n\
               c-2,m-1,2024-03-01T10:00:00Z,customer,\"Two\nlines, and a \"\"quote\"\"\"\r\n\
               c-2,m-2,2024-03-01T10:00:05Z,agent,\n"],
        )
        .await
        .unwrap();
        assert_eq!(copied, 2);
        assert_eq!(
            rows(&client, "SELECT text FROM messages ORDER BY message_id").await,
            [["Two\nlines, and a \"quote\""], ["∅"]]
        );
    });
}

#[test]
fn a_bad_line_is_named_and_nothing_is_kept() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        let sql = format!("COPY messages ({COLUMNS}) FROM STDIN");
        let good = "c-3\tm-1\t2024-03-01 10:00:00+00\tcustomer\tfine\n";
        let error = copy_in(
            &client,
            &sql,
            &[good, "c-3\tm-2\tnot a time\tcustomer\tbad\n"],
        )
        .await
        .unwrap_err();
        assert_eq!(state(&error), "22007");
        let context = error.as_db_error().unwrap().where_().unwrap().to_owned();
        assert!(
            context.contains("line 2") && context.contains("sent_at"),
            "{context}"
        );
        let error = copy_in(&client, &sql, &[good, "too\tfew\n"])
            .await
            .unwrap_err();
        assert_eq!(state(&error), "22P04");
        assert_eq!(value(&client, "SELECT count(*) FROM messages").await, "0");
        // The connection is as good as before.
        assert_eq!(copy_in(&client, &sql, &[good]).await.unwrap(), 1);
    });
}

#[test]
fn a_copy_that_the_client_breaks_off_leaves_nothing() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        {
            let sink = client
                .copy_in::<_, Bytes>(&format!("COPY messages ({COLUMNS}) FROM STDIN"))
                .await
                .unwrap();
            futures::pin_mut!(sink);
            sink.send(Bytes::from_static(
                b"c-4\tm-1\t2024-03-01 10:00:00+00\tcustomer\tx\n",
            ))
            .await
            .unwrap();
            // Dropped without an end: the driver sends CopyFail.
        }
        assert_eq!(value(&client, "SELECT count(*) FROM messages").await, "0");
    });
}

#[test]
fn binary_comes_out_as_postgresql_writes_it() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        let stream = client
            .copy_out(
                "COPY (SELECT 7::int AS n, 'ab' AS t, NULL::text AS z) TO STDOUT (FORMAT binary)",
            )
            .await
            .unwrap();
        let bytes: Vec<Bytes> = stream.try_collect().await.unwrap();
        let mut expected = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        expected.extend([0, 3, 0, 0, 0, 4, 0, 0, 0, 7, 0, 0, 0, 2, b'a', b'b']);
        expected.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(bytes.concat(), expected);
    });
}
