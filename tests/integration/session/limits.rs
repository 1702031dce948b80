//! What ends a statement: cancelling, a time limit, a stack that would not hold it.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use verbatim::session::Outcome;

use super::{engine, rows, state_of};

const CANCELLED: Option<&str> = Some("57014");

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_statement_ends_soon() {
    let (_folder, engine) = engine().await;
    let session = engine.session(None).unwrap();
    let cancel = session.cancel_handle();
    let started = Instant::now();
    let canceller = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cancel.cancel();
    });
    assert_eq!(state_of(&session, "SELECT pg_sleep(30)").await, CANCELLED);
    assert!(started.elapsed() < Duration::from_secs(10));
    canceller.await.unwrap();
    // The next statement is none the worse.
    assert_eq!(state_of(&session, "SELECT 1").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_limit_ends_a_stream() {
    let (_folder, engine) = engine().await;
    let session = engine.session(None).unwrap();
    session
        .execute("SET statement_timeout = 300")
        .await
        .unwrap();
    let outcome = session
        .execute("SELECT value FROM generate_series(1, 1000000000000)")
        .await
        .unwrap();
    let Outcome::Rows { mut stream, .. } = outcome else {
        panic!("rows were expected");
    };
    let started = Instant::now();
    let state = loop {
        match futures::StreamExt::next(&mut stream).await {
            Some(Ok(_)) => {}
            Some(Err(error)) => break verbatim::Error::from(error).sqlstate(),
            None => panic!("the series has no end"),
        }
    };
    assert_eq!(Some(state), CANCELLED);
    assert!(started.elapsed() < Duration::from_secs(20));
    assert!(futures::StreamExt::next(&mut stream).await.is_none());
}

/// On a thread with the stack that the program gives to its workers.
fn with_program_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(16 << 20);
    thread.spawn(test).unwrap().join().unwrap();
}

#[test]
fn depth_is_bounded_and_length_is_not() {
    with_program_stack(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (_folder, engine) = engine().await;
            let session = engine.session(None).unwrap();
            let too_complex = Some("54001");
            let chain = |part: &str, count: usize| format!("SELECT 1{}", part.repeat(count));
            assert_eq!(state_of(&session, &chain("+1", 10_000)).await, too_complex);
            assert_eq!(
                state_of(&session, &chain("+1", 1_000_000)).await,
                too_complex
            );
            assert_eq!(
                state_of(&session, &chain(" OR true", 10_000)).await,
                too_complex
            );
            assert_eq!(
                state_of(&session, &chain(" UNION SELECT 1", 10_000)).await,
                too_complex
            );
            assert_eq!(
                state_of(&session, &chain("::int", 10_000)).await,
                too_complex
            );
            let brackets = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
            assert_eq!(state_of(&session, &brackets).await, too_complex);
            let minus = format!("SELECT {}1", "- ".repeat(10_000));
            assert_eq!(state_of(&session, &minus).await, too_complex);
            // Deep, but within the bound: it runs.
            assert_eq!(state_of(&session, &chain("+1", 450)).await, None);
            assert_eq!(
                state_of(&session, &chain(" OR false", 450).replace("1", "true")).await,
                None
            );
            assert_eq!(
                state_of(&session, &format!("SELECT {}true", "NOT ".repeat(120))).await,
                None
            );
            let case = " + CASE WHEN true THEN 1 END";
            assert_eq!(state_of(&session, &chain(case, 100)).await, None);
            assert_eq!(state_of(&session, &chain(case, 5_000)).await, too_complex);
            assert_eq!(state_of(&session, &chain("+1", 2_000)).await, too_complex);
            // WITH queries, that double and that do not.
            let with = |levels: usize, reads: &str| {
                let mut sql = "WITH w0 AS (SELECT 1 AS a)".to_owned();
                for level in 1..levels {
                    let reads = reads.replace('#', &format!("w{}", level - 1));
                    sql += &format!(", w{level} AS (SELECT 1 AS a FROM {reads})");
                }
                format!("{sql} SELECT a FROM w{}", levels - 1)
            };
            assert_eq!(state_of(&session, &with(95, "#")).await, None);
            assert_eq!(state_of(&session, &with(9, "# AS a, # AS b")).await, None);
            let started = Instant::now();
            let doubling = with(60, "# AS a, # AS b");
            assert_eq!(state_of(&session, &doubling).await, too_complex);
            assert!(started.elapsed() < Duration::from_secs(5));
            // Functions inside of what is deep.
            let calls = chain(" + length(upper('a'))", 240);
            assert_eq!(state_of(&session, &calls).await, None);
            let unions = chain(" UNION ALL SELECT length(upper('a'))", 190);
            assert_eq!(state_of(&session, &unions).await, None);
            // Long and flat.
            let list: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
            let sql = format!(
                "SELECT count(*) FROM generate_series(1, 10) AS s (n) WHERE n IN ({})",
                list.join(", ")
            );
            let batches = rows(session.execute(&sql).await.unwrap()).await.unwrap();
            assert_eq!(batches[0].num_rows(), 1);
        });
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the text is, parsing it answers.
    #[test]
    fn the_parser_never_panics(text in any::<String>()) {
        let _ = verbatim::statement::parse(&text);
    }

    /// Texts that look like statements reach deeper than noise does.
    #[test]
    fn the_parser_never_panics_on_words(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "select", "from", "where", "(", ")", ",", ";", "'a'", "\"b\"", "$1", "1.5", "*",
                "::", "interval", "'1:2'", "copy", "stdin", "to", "set", "show", "fetch", "all",
                "move", "prepare", "as", "declare", "cursor", "for", "with", "union", "case",
                "when", "end", "repeat_contact", "metric", "=>", "any", "array", "[", "]", "é",
                "explain", "insert", "into", "values", "create", "view", "drop", "abort", "--",
            ]),
            0..24,
        ),
    ) {
        let _ = verbatim::statement::parse(&words.join(" "));
    }
}
