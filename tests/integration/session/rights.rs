//! Rights are asked for at every entry point, and on what a plan reads rather than on its text.

use verbatim::Error;
use verbatim::govern::{self, Privilege};

use super::{engine, state_of};

const DENIED: Option<&str> = Some("42501");

#[tokio::test]
async fn every_entry_point_asks() {
    let (_folder, engine) = engine().await;
    let tables: Vec<String> = engine
        .lake()
        .tables()
        .map(|table| table.name().to_owned())
        .collect();
    engine
        .lake()
        .update_catalog::<Error>(|catalog| {
            govern::add_user(catalog, "ann", Some("secret"), false)?;
            govern::grant(catalog, "ann", Privilege::Select, "conversations", &tables)
        })
        .await
        .unwrap();
    let owner = engine.session(None).unwrap();
    owner
        .execute("CREATE VIEW texts AS SELECT text FROM messages")
        .await
        .unwrap();
    let ann = engine.session(Some("ann")).unwrap();
    assert_eq!(
        state_of(&ann, "SELECT count(*) FROM conversations").await,
        None
    );
    assert_eq!(state_of(&ann, "SELECT count(*) FROM pg_class").await, None);
    assert_eq!(
        state_of(&ann, "SELECT * FROM generate_series(1, 3)").await,
        None
    );
    for statement in [
        "SELECT count(*) FROM messages",
        "SELECT * FROM verbatim.messages",
        "SELECT * FROM texts",
        "SELECT * FROM customer_messages",
        "SELECT (SELECT count(*) FROM messages)",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM messages)",
        "WITH m AS (SELECT * FROM messages) SELECT 1 FROM m",
        "SELECT 1 FROM conversations UNION ALL SELECT 1 FROM messages",
        "EXPLAIN SELECT * FROM messages",
        "EXPLAIN ANALYZE SELECT * FROM messages",
        "PREPARE p AS SELECT * FROM messages",
        "DECLARE c CURSOR WITH HOLD FOR SELECT * FROM messages",
        "COPY messages TO STDOUT",
        "COPY (SELECT text FROM messages) TO STDOUT",
        "COPY conversations FROM STDIN",
        "CREATE VIEW mine AS SELECT 1",
        "DROP VIEW texts",
        "INSERT INTO conversations (conversation_id) VALUES ('a')",
    ] {
        assert_eq!(state_of(&ann, statement).await, DENIED, "{statement}");
    }
    // A right that is taken away is gone for what was prepared with it, too.
    let statement = ann
        .parse("SELECT count(*) FROM conversations")
        .unwrap()
        .remove(0);
    let prepared = ann.prepare(statement, &[]).await.unwrap();
    engine
        .lake()
        .update_catalog::<Error>(|catalog| {
            govern::revoke(catalog, "ann", Privilege::Select, "conversations");
            Ok(())
        })
        .await
        .unwrap();
    let error = ann.run(&prepared, Vec::new()).await.unwrap_err();
    assert_eq!(Some(error.sqlstate()), DENIED);
    assert!(
        error
            .hint()
            .unwrap()
            .contains("user grant ann select conversations")
    );
}

#[tokio::test]
async fn unknown_users_and_databases_are_refused() {
    let (_folder, engine) = engine().await;
    assert_eq!(engine.session(Some("eve")).unwrap_err().sqlstate(), "28000");
    let other = engine.connect(None, "postgres", []);
    assert_eq!(other.unwrap_err().sqlstate(), "3D000");
    let setting = engine.connect(None, "verbatim", [("no_such_setting", "1")]);
    assert_eq!(setting.unwrap_err().sqlstate(), "42704");
}

#[tokio::test]
async fn files_of_the_server_are_out_of_reach() {
    let (_folder, engine) = engine().await;
    let session = engine.session(None).unwrap();
    for statement in [
        "COPY messages TO '/tmp/out.csv'",
        "COPY (SELECT 1) TO '/tmp/out.parquet' STORED AS PARQUET",
        "COPY messages FROM '/etc/passwd'",
        "COPY messages FROM PROGRAM 'id'",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'lib'",
        "LOAD 'library'",
        "SET datafusion.catalog.location = '/etc'",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
    ] {
        assert!(state_of(&session, statement).await.is_some(), "{statement}");
    }
}
