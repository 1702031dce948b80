//! Active models between sessions and processes, and the rescore that follows them.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::common::ScalarValue;
use verbatim::govern::{self, Privilege};
use verbatim::session::Session;
use verbatim::{Engine, EngineOptions, Error};

use super::{engine, rows, state_of};

const ROWS: &str = "SELECT text || n::text AS text, label FROM (VALUES ('where is my parcel ', 'FIRST'), \
    ('the parcel is late ', 'FIRST'), ('reset my password ', 'login'), ('a new password ', 'login')) \
    AS t (text, label), (VALUES (1), (2), (3), (4)) AS c (n)";

fn create(how: &str, name: &str, function: &str, first: &str) -> String {
    let rows = ROWS.replace("FIRST", first);
    format!("{how} MODEL {name} OPTIONS (function = '{function}') AS {rows}")
}

fn insert(conversation: &str, messages: usize) -> String {
    format!(
        "INSERT INTO messages (conversation_id, message_id, role, sent_at, text) \
         SELECT '{conversation}', n::text, 'customer', '2024-05-01T10:00:00Z'::timestamptz, \
         CASE n % 2 WHEN 0 THEN 'the parcel ' ELSE 'my password ' END || n::text \
         FROM generate_series(1, {messages}) AS g (n)"
    )
}

async fn open(folder: &Path) -> Arc<Engine> {
    let url = folder.to_string_lossy().into_owned();
    Engine::open(EngineOptions::new(url)).await.unwrap()
}

/// The values of a query, row by row, as text.
async fn values(session: &Session, sql: &str) -> Vec<String> {
    let batches = rows(session.execute(sql).await.unwrap()).await.unwrap();
    let mut found = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let values = batch.columns().iter();
            let values = values.map(|c| ScalarValue::try_from_array(c, row).unwrap().to_string());
            found.push(values.collect::<Vec<_>>().join(" | "));
        }
    }
    found
}

/// Waits until a query has an answer.
async fn until(session: &Session, sql: &str, wanted: &str) {
    let started = Instant::now();
    loop {
        let found = values(session, sql).await;
        if found == [wanted] {
            return;
        }
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "{sql}: {found:?}, not {wanted}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

const SUCCEEDED: &str = "SELECT count(*) FROM job_runs WHERE status = 'succeeded'";
const RUNNING: &str = "SELECT count(*) FROM job_runs WHERE status = 'running'";

/// How intents and sentiments are answered: which from the column.
async fn plan(session: &Session) -> String {
    let sql = "EXPLAIN SELECT count(intent(text)), avg(sentiment(text)) FROM messages";
    values(session, sql).await.join("\n")
}

const ANSWERS: &str = "SELECT intent(text), count(*), sum(intent_score(text))::numeric(12, 3) \
    FROM messages GROUP BY 1 ORDER BY 1";

#[tokio::test(flavor = "multi_thread")]
async fn history_follows_the_active_model_and_says_the_same_meanwhile() {
    let (folder, engine) = engine().await;
    let (one, two) = (engine.session(None).unwrap(), engine.session(None).unwrap());
    one.execute(&insert("a:1", 20)).await.unwrap();
    let desk = create("CREATE", "desk", "intent", "delivery");
    one.execute(&desk).await.unwrap();
    let shipped = values(&two, ANSWERS).await;
    assert!(
        plan(&two)
            .await
            .contains("stored=[intent, sentiment], computed=[]")
    );

    let altered = values(&one, "ALTER MODEL desk SET ACTIVE").await;
    assert!(
        altered[0].starts_with("desk | intent | 20 | "),
        "{altered:?}"
    );
    let own = values(&two, ANSWERS).await;
    assert_ne!(own, shipped);
    assert_eq!(own.len(), 2);
    // The process goes before the rescore has ended: what is left to do is not forgotten.
    engine.close().await.unwrap();

    let other = open(folder.path()).await;
    let three = other.session(None).unwrap();
    assert_eq!(
        values(&three, "SELECT intent('parcel')").await,
        ["delivery"]
    );
    assert_eq!(values(&three, ANSWERS).await, own);
    assert_eq!(
        other.lake().latest_catalog().await.unwrap().rescoring.len(),
        1
    );

    other.rescore_in_background();
    until(&three, SUCCEEDED, "1").await;
    assert_eq!(values(&three, RUNNING).await, ["0"]);
    let plan = plan(&three).await;
    assert!(
        plan.contains("stored=[intent, sentiment], computed=[]"),
        "{plan}"
    );
    assert_eq!(values(&three, ANSWERS).await, own);
    let stored = "SELECT count(*) FROM messages WHERE intent IS DISTINCT FROM intent(text, 'desk')";
    assert_eq!(values(&three, stored).await, ["0"]);
    let sets = "SELECT count(DISTINCT scored_by), max(scored_by) FROM messages";
    let catalog = other.lake().latest_catalog().await.unwrap();
    assert_eq!(
        values(&three, sets).await,
        [format!("1 | {}", catalog.active_set)]
    );
    assert!(catalog.rescoring.is_empty());

    // And back.
    three
        .execute("ALTER MODEL DEFAULT FOR intent SET ACTIVE")
        .await
        .unwrap();
    assert_eq!(values(&three, ANSWERS).await, shipped);
    until(&three, SUCCEEDED, "2").await;
    assert_eq!(values(&three, ANSWERS).await, shipped);
    other.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_function_concerned_becomes_stale() {
    let (folder, engine) = engine().await;
    let session = engine.session(None).unwrap();
    session.execute(&insert("a:1", 10)).await.unwrap();
    let desk = create("CREATE", "desk", "intent", "delivery");
    session.execute(&desk).await.unwrap();
    session
        .execute("ALTER MODEL desk SET ACTIVE")
        .await
        .unwrap();
    engine.close().await.unwrap();
    let other = open(folder.path()).await;
    let session = other.session(None).unwrap();
    session.execute("SELECT intent('x')").await.unwrap();
    let found = plan(&session).await;
    let expected = "stored=[sentiment], computed=[intent in 1 of 1 files]";
    assert!(found.contains(expected), "{found}");
    // What is written now is current for both.
    session.execute(&insert("a:2", 10)).await.unwrap();
    let found = plan(&session).await;
    let expected = "stored=[intent, sentiment], computed=[intent in 1 of 2 files]";
    assert!(found.contains(expected), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_answers_and_writes_with_the_active_model() {
    let (folder, engine) = engine().await;
    let other = open(folder.path()).await;
    let (one, two) = (engine.session(None).unwrap(), other.session(None).unwrap());
    two.execute("SELECT intent('parcel')").await.unwrap();
    let desk = create("CREATE", "desk", "intent", "delivery");
    one.execute(&desk).await.unwrap();
    one.execute("ALTER MODEL desk SET ACTIVE").await.unwrap();
    until(&two, "SELECT intent('parcel')", "delivery").await;
    two.execute(&insert("a:1", 2)).await.unwrap();
    let stored = values(&two, "SELECT intent FROM messages ORDER BY intent").await;
    assert_eq!(stored, ["delivery", "login"]);
    one.execute(&create("CREATE OR REPLACE", "desk", "intent", "post"))
        .await
        .unwrap();
    assert_eq!(values(&one, "SELECT intent('parcel')").await, ["post"]);
    until(&two, "SELECT intent('parcel')", "post").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_topics_keep_the_names_of_the_model_that_gave_them() {
    let (folder, engine) = engine().await;
    let session = engine.session(None).unwrap();
    for (name, first) in [("a", "delivery"), ("b", "zzz")] {
        let model = create("CREATE", name, "topic", first);
        session.execute(&model).await.unwrap();
    }
    session.execute("ALTER MODEL a SET ACTIVE").await.unwrap();
    session.execute(&insert("a:1", 4)).await.unwrap();
    session.execute("ALTER MODEL b SET ACTIVE").await.unwrap();
    // Whoever reads after the process has gone: no file is rescored yet.
    engine.close().await.unwrap();
    let other = open(folder.path()).await;
    let session = other.session(None).unwrap();
    let topics = "SELECT DISTINCT topic(text), topic_label(topic_id) FROM messages ORDER BY 1";
    let found = values(&session, topics).await;
    assert_eq!(found, ["login | login", "zzz | delivery"]);
    other.rescore_in_background();
    until(
        &session,
        "SELECT string_agg(DISTINCT topic_label(topic_id), ' ' ORDER BY topic_label(topic_id)) FROM messages",
        "login zzz",
    )
    .await;
    assert_eq!(
        values(&session, topics).await,
        ["login | login", "zzz | zzz"]
    );
}

#[tokio::test]
async fn active_models_belong_to_owners() {
    let (_folder, engine) = engine().await;
    engine
        .lake()
        .update_catalog::<Error>(|catalog| {
            let public = ["public".to_owned()];
            for user in ["ann", "ben", "cem"] {
                govern::add_user(catalog, user, Some("secret"), false)?;
            }
            for user in ["ann", "ben"] {
                govern::grant(catalog, user, Privilege::Create, "public", &public)?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let of = |user| engine.session(Some(user)).unwrap();
    let (denied, alter) = (Some("42501"), "ALTER MODEL desk SET ACTIVE");
    let desk = create("CREATE", "desk", "intent", "a");
    assert_eq!(state_of(&of("ann"), &desk).await, None);
    assert_eq!(state_of(&of("ben"), alter).await, denied);
    assert_eq!(state_of(&of("cem"), alter).await, denied);
    let default = "ALTER MODEL DEFAULT FOR intent SET ACTIVE";
    assert_eq!(state_of(&of("cem"), default).await, denied);
    assert_eq!(state_of(&of("ann"), alter).await, None);
    // Nobody takes the place of another's model.
    assert_eq!(state_of(&of("ben"), default).await, denied);
    let mine = create("CREATE", "mine", "intent", "b");
    assert_eq!(state_of(&of("ben"), &mine).await, None);
    assert_eq!(
        state_of(&of("ben"), "ALTER MODEL mine SET ACTIVE").await,
        denied
    );
    assert_eq!(state_of(&of("ann"), default).await, None);
    assert_eq!(
        state_of(&of("ben"), "ALTER MODEL mine SET ACTIVE").await,
        None
    );
    assert_eq!(values(&of("cem"), "SELECT intent('parcel')").await, ["b"]);
    // Corrections that the user may not read: left out, or refused where they are asked for.
    let told = mine.replace("'intent')", "'intent', corrections = true)");
    let told = told.replace("MODEL mine", "MODEL told");
    assert_eq!(state_of(&of("ben"), &told).await, denied);
    assert_eq!(state_of(&of("ben"), "VACUUM").await, denied);
}

/// The names in the folder of weight files.
fn kept(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("_verbatim/models")).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn vacuum_deletes_the_weights_that_nothing_names() {
    let (folder, engine) = engine().await;
    let session = engine.session(None).unwrap();
    session.execute(&insert("a:1", 4)).await.unwrap();
    for first in ["one", "two", "three"] {
        let desk = create("CREATE OR REPLACE", "desk", "intent", first);
        session.execute(&desk).await.unwrap();
    }
    session
        .execute("ALTER MODEL desk SET ACTIVE")
        .await
        .unwrap();
    let four = create("CREATE OR REPLACE", "desk", "intent", "four");
    session.execute(&four).await.unwrap();
    session
        .execute(&create("CREATE", "gone", "topic", "one"))
        .await
        .unwrap();
    session.execute("DROP MODEL gone").await.unwrap();
    // Five models with a card each; all are younger than the retention.
    assert_eq!(kept(folder.path()).len(), 10);
    session.execute("VACUUM").await.unwrap();
    assert_eq!(kept(folder.path()).len(), 10);
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(2 * 3600);
    for name in kept(folder.path()) {
        let path = folder.path().join("_verbatim/models").join(name);
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(long_ago).unwrap();
    }
    // They have lost their names a moment ago.
    session.execute("VACUUM").await.unwrap();
    assert_eq!(kept(folder.path()).len(), 10);
    engine
        .lake()
        .update_catalog::<Error>(|catalog| {
            assert_eq!(catalog.retired_models.len(), 4);
            catalog.retired_models.values_mut().for_each(|at| *at = 0);
            Ok(())
        })
        .await
        .unwrap();
    session.execute("VACUUM").await.unwrap();
    let catalog = engine.lake().latest_catalog().await.unwrap();
    assert!(catalog.retired_models.is_empty());
    let id = values(&session, "SELECT model_id FROM models WHERE name = 'desk'").await;
    let id = &id[0];
    assert_eq!(
        kept(folder.path()),
        [format!("{id}.bin"), format!("{id}.json")]
    );
    let other = open(folder.path()).await;
    let session = other.session(None).unwrap();
    assert_eq!(values(&session, "SELECT intent('parcel')").await, ["four"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_that_are_damaged_stop_neither_messages_nor_the_way_back() {
    let (folder, engine) = engine().await;
    let session = engine.session(None).unwrap();
    let desk = create("CREATE", "desk", "intent", "delivery");
    session.execute(&desk).await.unwrap();
    session
        .execute("ALTER MODEL desk SET ACTIVE")
        .await
        .unwrap();
    engine.close().await.unwrap();
    let weights = kept(folder.path())
        .into_iter()
        .find(|n| n.ends_with(".bin"));
    let weights = folder
        .path()
        .join("_verbatim/models")
        .join(weights.unwrap());
    std::fs::write(weights, "no weights").unwrap();

    let other = open(folder.path()).await;
    let session = other.session(None).unwrap();
    session.execute(&insert("a:1", 4)).await.unwrap();
    let calls = "SELECT count(intent(text)) FROM messages";
    assert_eq!(state_of(&session, calls).await, Some("XX000"));
    let others = "SELECT count(sentiment(text)) FROM messages";
    assert_eq!(values(&session, others).await, ["4"]);
    let back = "ALTER MODEL DEFAULT FOR intent SET ACTIVE";
    assert_eq!(state_of(&session, back).await, None);
    assert_eq!(values(&session, calls).await, ["4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rescore_that_is_killed_leaves_a_lake_that_says_the_same() {
    const MESSAGES: usize = 20_000;
    let (folder, engine) = engine().await;
    let session = engine.session(None).unwrap();
    session.execute(&insert("a:1", MESSAGES)).await.unwrap();
    let desk = create("CREATE", "desk", "intent", "delivery");
    session.execute(&desk).await.unwrap();
    session
        .execute("ALTER MODEL desk SET ACTIVE")
        .await
        .unwrap();
    let expected = values(&session, ANSWERS).await;
    engine.close().await.unwrap();

    let rescore = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_verbatim"));
        command.arg("rescore").arg("--lake").arg(folder.path());
        command.stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::null());
        command
    };
    let mut killed = 0;
    for round in 1..=8 {
        let mut running = rescore().spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(round * 100)).await;
        if running.try_wait().unwrap().is_some() {
            break;
        }
        running.kill().unwrap();
        running.wait().unwrap();
        killed += 1;
        let engine = open(folder.path()).await;
        let session = engine.session(None).unwrap();
        assert_eq!(values(&session, ANSWERS).await, expected, "round {round}");
        let count = "SELECT count(*), count(DISTINCT message_id) FROM messages";
        let whole = format!("{MESSAGES} | {MESSAGES}");
        assert_eq!(values(&session, count).await, [whole]);
        engine.close().await.unwrap();
    }
    assert!(killed > 0);
    assert!(rescore().status().unwrap().success());
    let engine = open(folder.path()).await;
    let session = engine.session(None).unwrap();
    let plan = plan(&session).await;
    assert!(
        plan.contains("stored=[intent, sentiment], computed=[]"),
        "{plan}"
    );
    assert_eq!(values(&session, ANSWERS).await, expected);
    assert!(engine.lake().catalog().rescoring.is_empty());
    assert_eq!(values(&session, SUCCEEDED).await, ["1"]);
}
