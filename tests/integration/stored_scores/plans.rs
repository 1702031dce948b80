//! What the main shapes of a query read and compute, as EXPLAIN shows it.

use verbatim_udfs::model::ModelSet;

use super::fixture::{Mixed, append, empty_lake, plan, rows, session};
use verbatim::enrich::score_messages;

#[tokio::test]
async fn explain_says_what_is_read_and_what_is_computed() {
    let lake = Mixed::lake().await;
    let plan = lake
        .plan("SELECT avg(sentiment(text)), max(intent(text)) FROM messages")
        .await;
    // Files "half", shipped and shipped with tools have a current sentiment; "half" has no intent.
    assert!(plan.contains("stored=[sentiment, intent]"), "{plan}");
    assert!(plan.contains("sentiment in 2 of 5 files"), "{plan}");
    assert!(plan.contains("intent in 3 of 5 files"), "{plan}");
    assert!(
        plan.contains("tool and system rows in 1 of 5 files"),
        "{plan}"
    );
}

#[tokio::test]
async fn a_filter_on_the_role_spares_the_text_of_tool_rows() {
    let lake = Mixed::lake().await;
    for filter in [
        "role = 'customer'",
        "role IN ('agent', 'bot')",
        "role <> 'tool' AND role < 'system'",
    ] {
        let plan = lake
            .plan(&format!(
                "SELECT avg(sentiment(text)) FROM messages WHERE {filter}"
            ))
            .await;
        assert!(!plan.contains("tool and system rows"), "{filter}: {plan}");
    }
    let plan = lake
        .plan("SELECT avg(sentiment(text)) FROM messages WHERE role <> 'tool'")
        .await;
    assert!(
        plan.contains("tool and system rows in 1 of 5 files"),
        "{plan}"
    );
}

#[tokio::test]
async fn current_files_are_read_without_their_text() {
    let lake = empty_lake().await;
    let people = ["customer", "agent"];
    for file in 0..2 {
        append(
            &lake,
            score_messages(&rows(file, 20, &people), ModelSet::shipped()).unwrap(),
        )
        .await;
    }
    let context = session(&lake, true).await;
    let shapes = [
        "SELECT avg(sentiment(text)) FROM messages",
        "SELECT intent(m.text), count(*) FROM messages m GROUP BY 1 ORDER BY 2 DESC LIMIT 3",
        "SELECT avg(s) FROM (SELECT sentiment(t) AS s FROM (SELECT text AS t FROM messages) a) b",
        "WITH q AS (SELECT role, text AS words FROM messages) \
         SELECT role, max(churn_risk(words)) FROM q GROUP BY role",
        "SELECT count(*) FROM messages WHERE sentiment(text) < 0.5",
        "SELECT effort_level(CAST(text AS VARCHAR)), topic(text) FROM messages",
        "SELECT a.message_id FROM messages a JOIN messages b USING (conversation_id) \
         WHERE sentiment(a.text) < sentiment(b.text)",
        "SELECT row_number() OVER (ORDER BY sentiment(text)) FROM messages",
        "SELECT message_id FROM messages WHERE conversation_id IN \
         (SELECT conversation_id FROM messages WHERE escalation_request(text))",
    ];
    for sql in shapes {
        let plan = plan(&context, sql).await;
        assert!(plan.contains("computed=[]"), "{sql}\n{plan}");
        assert!(!reads_text(&plan), "{sql}\n{plan}");
    }
    // The view filters on the text being there, which needs its NULLs.
    let plan = plan(&context, "SELECT avg(sentiment(text)) FROM customer_view").await;
    assert!(plan.contains("stored=[sentiment], computed=[]"), "{plan}");
}

#[tokio::test]
async fn paths_that_end_the_trace_are_computed() {
    let lake = Mixed::lake().await;
    let shapes = [
        "SELECT sentiment(lower(text)) FROM messages",
        "SELECT sentiment(t) FROM (SELECT max(text) AS t FROM messages) q",
        "SELECT sentiment(text) FROM (SELECT DISTINCT text FROM messages) q",
        "SELECT sentiment(text) FROM (SELECT text FROM messages UNION ALL SELECT role FROM messages) q",
        "SELECT sentiment(role) FROM messages",
        "SELECT sentiment(t) FROM (SELECT lag(text) OVER (ORDER BY message_id) AS t FROM messages) q",
    ];
    for sql in shapes {
        let plan = lake.plan(sql).await;
        assert!(!plan.contains("StoredScoresExec"), "{sql}\n{plan}");
        assert!(plan.contains("sentiment("), "{sql}\n{plan}");
    }
}

/// The whole way: a row goes in by INSERT, is scored, and a call reads the score.
#[tokio::test]
async fn a_session_reads_what_insert_has_scored() {
    use verbatim::{Engine, EngineOptions};
    let engine = Engine::open(EngineOptions::new("memory://insert-scores").create())
        .await
        .unwrap();
    let session = engine.session(None).unwrap();
    let insert = "INSERT INTO messages (conversation_id, message_id, source, role, sent_at, text) VALUES \
        ('a:1', '1', 'a', 'customer', '2026-01-05T10:00:00Z', 'I was charged twice, cancel my account'), \
        ('a:1', '2', 'a', 'tool', '2026-01-05T10:00:01Z', 'lookup failed, cancel my account')";
    session.execute(insert).await.unwrap();
    let calls = "SELECT message_id, sentiment(text), churn_risk(text), topic(text), intent(text) \
        FROM messages ORDER BY message_id";
    let stored = rows_of(&session, calls).await;
    let plan = rows_of(&session, &format!("EXPLAIN {calls}")).await;
    assert!(
        plan.contains("stored=[sentiment, churn_risk, topic, intent]"),
        "{plan}"
    );
    assert!(
        plan.contains("computed=[tool and system rows in 1 of 1 files]"),
        "{plan}"
    );
    session
        .execute("SET verbatim.stored_scores = off")
        .await
        .unwrap();
    assert_eq!(stored, rows_of(&session, calls).await);
    let plan = rows_of(&session, &format!("EXPLAIN {calls}")).await;
    assert!(!plan.contains("StoredScoresExec"), "{plan}");
    let columns = "SELECT count(sentiment), count(intent), count(scored_by) FROM messages";
    assert!(
        rows_of(&session, columns).await.contains("| 1 "),
        "only the customer's row is scored"
    );
}

async fn rows_of(session: &verbatim::session::Session, sql: &str) -> String {
    use futures::TryStreamExt;
    let verbatim::session::Outcome::Rows { stream, .. } = session.execute(sql).await.unwrap()
    else {
        panic!("{sql} gives no rows");
    };
    let rows: Vec<_> = stream.try_collect().await.unwrap();
    datafusion::arrow::util::pretty::pretty_format_batches(&rows)
        .unwrap()
        .to_string()
}

fn reads_text(plan: &str) -> bool {
    plan.lines()
        .filter(|line| line.contains("DataSourceExec"))
        .any(|line| {
            let columns = line
                .split("projection=[")
                .nth(1)
                .and_then(|rest| rest.split(']').next());
            columns.is_none_or(|columns| {
                columns
                    .split(", ")
                    .any(|c| c.split(' ').any(|w| w == "text" || w.starts_with("text@")))
            })
        })
}
