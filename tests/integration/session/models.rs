//! Models of one's own between sessions, processes and users.

use std::time::{Duration, Instant};

use arrow::array::AsArray;
use verbatim::govern::{self, Privilege};
use verbatim::session::Session;
use verbatim::{Engine, EngineOptions, Error};

use super::{engine, rows, state_of};

const ROWS: &str = "SELECT text || n::text AS text, label FROM (VALUES ('where is my parcel ', 'FIRST'), \
    ('the parcel is late ', 'FIRST'), ('reset my password ', 'login'), ('a new password ', 'login')) \
    AS t (text, label), (VALUES (1), (2), (3), (4)) AS c (n)";

fn create(how: &str, first: &str) -> String {
    let rows = ROWS.replace("FIRST", first);
    format!("{how} MODEL desk OPTIONS (function = 'intent') AS {rows}")
}

async fn said(session: &Session) -> Result<String, Error> {
    let outcome = session.execute("SELECT intent('parcel', 'desk')").await?;
    let batches = rows(outcome).await?;
    Ok(batches[0].column(0).as_string::<i32>().value(0).to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_there_for_every_session_and_every_process() {
    let (folder, engine) = engine().await;
    let (one, two) = (engine.session(None).unwrap(), engine.session(None).unwrap());
    assert_eq!(said(&two).await.unwrap_err().sqlstate(), "42704");
    one.execute(&create("CREATE", "delivery")).await.unwrap();
    assert_eq!(said(&two).await.unwrap(), "delivery");

    let url = folder.path().to_string_lossy().into_owned();
    let other = Engine::open(EngineOptions::new(url)).await.unwrap();
    let three = other.session(None).unwrap();
    assert_eq!(said(&three).await.unwrap(), "delivery");

    let replace = create("CREATE OR REPLACE", "post");
    one.execute(&replace).await.unwrap();
    assert_eq!(said(&two).await.unwrap(), "post");
    let started = Instant::now();
    while said(&three).await.unwrap() != "post" {
        assert!(started.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    three.execute("DROP MODEL desk").await.unwrap();
    let started = Instant::now();
    while said(&one).await.is_ok() {
        assert!(started.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn models_have_owners() {
    let (_folder, engine) = engine().await;
    engine
        .lake()
        .update_catalog::<Error>(|catalog| {
            for user in ["ann", "ben", "cem"] {
                govern::add_user(catalog, user, Some("secret"), false)?;
            }
            for user in ["ann", "ben"] {
                govern::grant(
                    catalog,
                    user,
                    Privilege::Create,
                    "public",
                    &["public".to_owned()],
                )?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let of = |user| engine.session(Some(user)).unwrap();
    let denied = Some("42501");
    assert_eq!(state_of(&of("cem"), &create("CREATE", "a")).await, denied);
    assert_eq!(state_of(&of("ann"), &create("CREATE", "a")).await, None);
    let replace = create("CREATE OR REPLACE", "b");
    assert_eq!(state_of(&of("ben"), &replace).await, denied);
    assert_eq!(state_of(&of("ben"), "DROP MODEL desk").await, denied);
    // What cannot be read cannot be learnt from either.
    let secret = "CREATE MODEL mine OPTIONS (function = 'intent') AS \
        SELECT text, role AS label FROM messages";
    assert_eq!(state_of(&of("ann"), secret).await, denied);
    assert_eq!(said(&of("cem")).await.unwrap(), "a");
    // The files of the server's machine are its superusers'.
    let named = "CREATE MODEL mine OPTIONS (function = 'intent', backend = 'onnx', path = '/')";
    assert_eq!(state_of(&of("ann"), named).await, denied);
    let trained = format!("{named} AS {}", ROWS.replace("FIRST", "a"));
    assert_eq!(state_of(&of("ann"), &trained).await, denied);
    assert_eq!(state_of(&of("ann"), "DROP MODEL desk").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_ends_with_its_statement() {
    let (_folder, engine) = engine().await;
    let session = engine.session(None).unwrap();
    session
        .execute("SET statement_timeout = '2s'")
        .await
        .unwrap();
    let many = "CREATE MODEL slow OPTIONS (function = 'intent') AS \
        SELECT 'word' || n::text || ' word' || (n * 7)::text || ' of ' || (n % 300)::text AS text, \
        'label' || (n % 300)::text AS label FROM generate_series(1, 60000) AS g (n)";
    let started = Instant::now();
    assert_eq!(state_of(&session, many).await, Some("57014"));
    assert!(started.elapsed() < Duration::from_secs(15));
    let models = "SELECT 1 / count(*) FROM models WHERE name = 'slow'";
    assert_eq!(state_of(&session, models).await, Some("22012"));
}
