//! Rescoring history while queries and imports go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use verbatim::enrich::{RescoreOptions, rescore, score_messages};
use verbatim_udfs::model::ModelSet;

use crate::stored_scores::fixture::{
    all_functions, answer, append, empty_lake, other_models, plan, rows, score_as, session,
};

const PEOPLE: [&str; 4] = ["customer", "agent", "tool", "bot"];

async fn old_lake(files: usize) -> Arc<verbatim::lake::Lake> {
    let lake = empty_lake().await;
    let every = all_functions();
    let models = other_models(&every);
    lake.update_catalog(|catalog| {
        catalog.model_sets.insert("old".into(), models.clone());
        catalog.active_set = "old".into();
        Ok::<_, verbatim::Error>(())
    })
    .await
    .unwrap();
    for file in 0..files {
        append(
            &lake,
            score_as(&rows(file, 30, &PEOPLE), Some("old"), &every),
        )
        .await;
    }
    lake
}

#[tokio::test]
async fn a_rescore_makes_every_file_current_and_flips_the_active_set() {
    let lake = old_lake(4).await;
    let mut last = None;
    let report = rescore(
        &lake,
        ModelSet::shipped(),
        &RescoreOptions::default(),
        |p| last = Some(p),
    )
    .await
    .unwrap();
    assert!(report.complete && report.activated, "{report:?}");
    assert_eq!(report.rows, 120);
    assert_eq!(last.unwrap().rows, 120);
    assert_eq!(lake.catalog().active_set, ModelSet::shipped().id());
    let again = rescore(
        &lake,
        ModelSet::shipped(),
        &RescoreOptions::default(),
        |_| {},
    )
    .await
    .unwrap();
    assert_eq!((again.files, again.activated), (0, false));

    let (on, off) = (session(&lake, true).await, session(&lake, false).await);
    let sql =
        "SELECT message_id, sentiment(text), intent(text), effort_features(text) FROM messages";
    assert_eq!(answer(&on, sql).await, answer(&off, sql).await);
    let plan = plan(
        &on,
        "SELECT avg(sentiment(text)) FROM messages WHERE role = 'customer'",
    )
    .await;
    assert!(plan.contains("computed=[]"), "{plan}");
    // The columns themselves hold what the functions give, but for the tool rows.
    let sql = "SELECT count(*) FROM messages WHERE role <> 'tool' \
               AND sentiment IS DISTINCT FROM sentiment(text)";
    assert_eq!(answer(&off, sql).await.rows, ["0"]);
    let sql = "SELECT count(sentiment), count(intent) FROM messages WHERE role = 'tool'";
    assert_eq!(answer(&off, sql).await.rows, ["0 | 0"]);
}

#[tokio::test]
async fn one_function_can_be_rescored_alone() {
    let lake = old_lake(2).await;
    let options = RescoreOptions {
        functions: vec!["sentiment".into()],
        ..Default::default()
    };
    let report = rescore(&lake, ModelSet::shipped(), &options, |_| {})
        .await
        .unwrap();
    assert!(report.complete && !report.activated);
    assert_eq!(lake.catalog().active_set, "old");
    let on = session(&lake, true).await;
    let sql = "SELECT avg(sentiment(text)), max(intent(text)) FROM messages WHERE role <> 'tool' AND role <> 'system'";
    let plan = plan(&on, sql).await;
    assert!(
        plan.contains("stored=[sentiment], computed=[intent in"),
        "{plan}"
    );
    let off = session(&lake, false).await;
    assert_eq!(answer(&on, sql).await, answer(&off, sql).await);

    let options = RescoreOptions {
        functions: vec!["mood".into()],
        ..Default::default()
    };
    let error = rescore(&lake, ModelSet::shipped(), &options, |_| {})
        .await
        .unwrap_err();
    assert!(error.to_string().contains("sentiment"), "{error}");
}

#[tokio::test]
async fn a_stopped_rescore_goes_on_where_it_was() {
    let lake = old_lake(3).await;
    let options = RescoreOptions::default();
    options.stop.cancel();
    let report = rescore(&lake, ModelSet::shipped(), &options, |_| {})
        .await
        .unwrap();
    assert!(!report.complete);
    assert_eq!(lake.catalog().active_set, "old");
    let report = rescore(
        &lake,
        ModelSet::shipped(),
        &RescoreOptions::default(),
        |_| {},
    )
    .await
    .unwrap();
    assert!(report.complete && report.activated);
}

/// Six writers append while a rescore runs and a reader asks throughout.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn six_writers_append_while_a_rescore_runs() {
    const WRITERS: usize = 6;
    const APPENDS: usize = 8;
    const ROWS: usize = 5;
    let lake = old_lake(6).await;
    let before: usize = 6 * 30;
    let every = all_functions();
    let done = Arc::new(AtomicBool::new(false));

    let reader = {
        let (lake, done) = (Arc::clone(&lake), Arc::clone(&done));
        tokio::spawn(async move {
            let on = session(&lake, true).await;
            let mut asked = 0;
            while !done.load(Ordering::Acquire) || asked == 0 {
                // A computed path (through lower and back it would differ; DISTINCT ends the trace)
                // against the stored one, in one statement and so on one snapshot.
                let sql = "SELECT count(*) FROM (SELECT message_id, sentiment(text) AS s FROM messages) a \
                    JOIN (SELECT message_id, sentiment(text) AS s FROM \
                    (SELECT DISTINCT message_id, text FROM messages) q) b USING (message_id) \
                    WHERE a.s IS DISTINCT FROM b.s";
                assert_eq!(answer(&on, sql).await.rows, ["0"]);
                let sql = "SELECT count(*) - count(DISTINCT message_id) FROM messages";
                assert_eq!(answer(&on, sql).await.rows, ["0"]);
                asked += 1;
            }
            asked
        })
    };
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (lake, every) = (Arc::clone(&lake), every.clone());
            tokio::spawn(async move {
                for n in 0..APPENDS {
                    let batch = rows(100 + writer * APPENDS + n, ROWS, &PEOPLE);
                    // Half of them still write with the old set, as another process would.
                    let scored = if writer % 2 == 0 {
                        score_messages(&batch, ModelSet::shipped()).unwrap()
                    } else {
                        score_as(&batch, Some("old"), &every)
                    };
                    append(&lake, scored).await;
                }
            })
        })
        .collect();
    let during = rescore(
        &lake,
        ModelSet::shipped(),
        &RescoreOptions::default(),
        |_| {},
    )
    .await
    .unwrap();
    assert!(during.complete);
    for writer in writers {
        writer.await.unwrap();
    }
    let after = rescore(
        &lake,
        ModelSet::shipped(),
        &RescoreOptions::default(),
        |_| {},
    )
    .await
    .unwrap();
    assert!(after.complete);
    done.store(true, Ordering::Release);
    assert!(reader.await.unwrap() > 0);

    let on = session(&lake, true).await;
    let sql = "SELECT count(*), count(DISTINCT message_id), count(DISTINCT scored_by), min(scored_by) FROM messages";
    let total = before + WRITERS * APPENDS * ROWS;
    let expected = format!("{total} | {total} | 1 | {}", ModelSet::shipped().id());
    assert_eq!(answer(&on, sql).await.rows, [expected]);
    let plan = plan(
        &on,
        "SELECT avg(sentiment(text)) FROM messages WHERE role = 'customer'",
    )
    .await;
    assert!(plan.contains("computed=[]"), "{plan}");
}
