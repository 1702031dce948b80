//! Random tables, filters and versions: our scan against delta-rs' own, versions against a model.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, Float64Array, StringArray};
use datafusion::prelude::SessionContext;
use deltalake_core::DeltaTable;
use proptest::prelude::*;
use verbatim::lake::Lake;

use super::place::Place;
use super::rows::{
    DAY, START, append, ask, batch, conversation, deleted, query, session, texts, times,
};

const ROLES: [&str; 3] = ["agent", "bot", "customer"];
const CHANNELS: [&str; 2] = ["chat", "email"];

#[derive(Debug, Clone)]
struct Turn {
    role: usize,
    hour: i64,
    channel: Option<usize>,
    sentiment: Option<f64>,
    text: Option<String>,
}

fn turn() -> impl Strategy<Value = Turn> {
    let sentiment = prop::option::of((-10..=10_i32).prop_map(|tenths| f64::from(tenths) / 10.0));
    (
        0..3_usize,
        0..200_i64,
        prop::option::of(0..2_usize),
        sentiment,
        prop::option::of("[a-c]{0,3}"),
    )
        .prop_map(|(role, hour, channel, sentiment, text)| Turn {
            role,
            hour,
            channel,
            sentiment,
            text,
        })
}

fn condition() -> impl Strategy<Value = String> {
    let time = |hours: i64| {
        let time = chrono::DateTime::from_timestamp_micros(START + hours * DAY / 24).unwrap();
        format!("TIMESTAMP '{}'", time.format("%Y-%m-%d %H:%M:%S%.6f"))
    };
    let leaf = prop_oneof![
        (0..4_usize)
            .prop_map(|role| format!("role = '{}'", ["agent", "bot", "customer", "x"][role])),
        (0..3_usize).prop_map(|role| format!("role <> '{}'", ROLES[role])),
        (0..200_i64).prop_map(move |hour| format!("sent_at < {}", time(hour))),
        (0..200_i64).prop_map(move |hour| format!("sent_at = {}", time(hour))),
        (-11..=11_i32).prop_map(|tenths| format!("sentiment >= {}", f64::from(tenths) / 10.0)),
        (-11..=11_i32).prop_map(|tenths| format!("sentiment < {}", f64::from(tenths) / 10.0)),
        Just("channel IS NULL".to_string()),
        Just("sentiment IS NOT NULL".to_string()),
        Just("channel IN ('chat', 'fax')".to_string()),
        (0..2_usize).prop_map(|channel| format!("channel = '{}'", CHANNELS[channel])),
        Just("text LIKE 'a%'".to_string()),
        Just("turn_index > 4".to_string()),
        Just("conversation_id = 'c1'".to_string()),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} AND {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} OR {b})")),
            inner.prop_map(|a| format!("NOT ({a})")),
        ]
    })
}

async fn append_turns(lake: &Lake, turns: &[Turn], file: usize) {
    let texts_of = |values: Vec<Option<&str>>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    let indices: Vec<i32> = (0..turns.len() as i32).collect();
    let rows = batch(vec![
        (
            "conversation_id",
            texts(turns.iter().map(|_| format!("c{file}"))),
        ),
        (
            "message_id",
            texts((0..turns.len()).map(|index| format!("m{index}"))),
        ),
        ("source", texts(turns.iter().map(|_| "test"))),
        (
            "turn_index",
            Arc::new(datafusion::arrow::array::Int32Array::from(indices)),
        ),
        ("role", texts(turns.iter().map(|turn| ROLES[turn.role]))),
        (
            "sent_at",
            times(
                turns
                    .iter()
                    .map(|turn| START + turn.hour * DAY / 24)
                    .collect(),
            ),
        ),
        (
            "channel",
            texts_of(
                turns
                    .iter()
                    .map(|turn| turn.channel.map(|c| CHANNELS[c]))
                    .collect(),
            ),
        ),
        (
            "sentiment",
            Arc::new(Float64Array::from_iter(
                turns.iter().map(|turn| turn.sentiment),
            )) as ArrayRef,
        ),
        (
            "text",
            texts_of(turns.iter().map(|turn| turn.text.as_deref()).collect()),
        ),
        (
            "is_private",
            Arc::new(BooleanArray::from(vec![false; turns.len()])),
        ),
    ]);
    lake.append(append(vec![("messages", rows)])).await.unwrap();
}

/// The same table through delta-rs.
async fn delta_session(lake: &Lake) -> SessionContext {
    let mut table = DeltaTable::new(lake.store().log_store("messages").unwrap());
    table.load().await.unwrap();
    let session = SessionContext::new();
    table.update_datafusion_session(&session.state()).unwrap();
    let provider = table.table_provider().await.unwrap();
    session.register_table("messages", provider).unwrap();
    session
}

const PROJECTIONS: [&str; 4] = [
    "conversation_id, message_id",
    "text, sentiment, role",
    "sent_at, channel, is_private, effort_features",
    "count(*), min(sent_at), max(sentiment), count(channel)",
];

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn our_scan_reads_what_delta_rs_reads(
        files in prop::collection::vec(prop::collection::vec(turn(), 1..12), 1..5),
        conditions in prop::collection::vec(condition(), 6),
        compacted in any::<bool>(),
    ) {
        runtime().block_on(async {
            let lake = Place::memory().open().await;
            for (index, turns) in files.iter().enumerate() {
                append_turns(&lake, turns, index).await;
            }
            if compacted {
                lake.maintain().await.unwrap();
            }
            let theirs = delta_session(&lake).await;
            let ours = session(&lake);
            for (index, condition) in conditions.iter().enumerate() {
                let columns = PROJECTIONS[index % PROJECTIONS.len()];
                let sql = format!("SELECT {columns} FROM messages WHERE {condition}");
                let (mut ours, mut theirs) = (ask(&ours, &sql).await, ask(&theirs, &sql).await);
                ours.sort();
                theirs.sort();
                assert_eq!(ours, theirs, "{sql}");
            }
        });
    }

    #[test]
    fn the_latest_version_is_the_models(
        changes in prop::collection::vec((0..4_usize, 0..6_i64, 0..10_u8, 0..8_u8), 1..20),
    ) {
        runtime().block_on(async {
            let lake = Place::memory().open().await;
            let mut model: BTreeMap<usize, (i64, Option<String>)> = BTreeMap::new();
            for (index, (id, at, kind, upkeep)) in changes.into_iter().enumerate() {
                // Compaction forgets what is gone, and with it that older versions are old.
                if model.get(&id).is_some_and(|(_, status)| status.is_none()) {
                    continue;
                }
                let status = format!("s{index}");
                let gone = kind == 0;
                let at = if gone { at + 100 } else { at };
                let rows = conversation(&format!("c{id}"), &status, START + at);
                let rows = if gone { deleted(rows) } else { rows };
                lake.append(append(vec![("conversations", rows)])).await.unwrap();
                let known = model.entry(id).or_insert_with(|| (at, Some(status.clone())));
                if known.0 <= at || gone {
                    *known = (at, (!gone).then_some(status));
                }
                match upkeep {
                    0 => lake.maintain().await.unwrap(),
                    1 => lake.table("conversations").unwrap().compact().await.unwrap(),
                    _ => {}
                }
            }
            let expected: Vec<String> = model
                .iter()
                .filter_map(|(id, (_, status))| Some(format!("c{id}|{}", status.as_ref()?)))
                .collect();
            let sql = "SELECT conversation_id, status FROM conversations ORDER BY 1";
            assert_eq!(query(&lake, sql).await, expected);
        });
    }
}
