//! Models that are made and made active over the wire.

use super::server::{TestServer, run, state, value};

const CREATE: &str = "CREATE MODEL desk OPTIONS (function = 'intent') AS \
    SELECT text || n::text AS text, label FROM (VALUES ('where is my parcel ', 'delivery'), \
    ('the parcel is late ', 'delivery'), ('reset my password ', 'login'), ('a new password ', 'login')) \
    AS t (text, label), (VALUES (1), (2), (3), (4)) AS c (n)";

#[test]
fn a_model_is_active_for_every_connection() {
    run(async {
        let server = TestServer::start().await;
        let (one, two) = (server.client().await, server.client().await);
        let insert = "INSERT INTO messages (conversation_id, message_id, role, sent_at, text) \
            VALUES ('a:1', '1', 'customer', '2024-05-01T10:00:00Z', 'my parcel')";
        one.batch_execute(insert).await.unwrap();
        let calls = "SELECT intent(text) FROM messages";
        let prepared = two.prepare(calls).await.unwrap();

        // Both protocols tell what was made.
        let made = one.query_one(CREATE, &[]).await.unwrap();
        assert_eq!(made.get::<_, &str>("model"), "desk");
        assert_eq!(made.get::<_, i64>("training_rows"), 16);
        let active = one
            .query_one("ALTER MODEL desk SET ACTIVE", &[])
            .await
            .unwrap();
        assert_eq!(active.get::<_, i64>("rows_to_rescore"), 1);
        assert!(active.get::<_, Option<&str>>("run_id").is_some());

        assert_eq!(value(&two, calls).await, "delivery");
        let row = two.query_one(&prepared, &[]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), "delivery");
        let error = two.batch_execute("DROP MODEL desk").await.unwrap_err();
        assert_eq!(state(&error), "2BP01");
        let hint = error.as_db_error().and_then(|error| error.hint());
        assert!(hint.is_some_and(|hint| hint.contains("ALTER MODEL DEFAULT FOR intent")));

        let stored = "SELECT intent FROM messages";
        for _ in 0..200 {
            if value(&two, stored).await == "delivery" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(value(&two, stored).await, "delivery");
        two.batch_execute("ALTER MODEL DEFAULT FOR intent SET ACTIVE")
            .await
            .unwrap();
        assert_ne!(value(&one, calls).await, "delivery");
    });
}
