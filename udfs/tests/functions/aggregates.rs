//! The aggregates over turns: worked examples, any order of rows, any plan, windows.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, TimestampSecondArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::prelude::SessionConfig;
use proptest::prelude::*;

use crate::support::{batch, rows, session, session_with, show, shown, wait, with_table};

/// A row: conversation, role, sentiment, turn index.
type Row = (i32, &'static str, Option<f64>, Option<i32>);

fn turns(rows: &[Row]) -> RecordBatch {
    let conversations: Int32Array = rows.iter().map(|row| Some(row.0)).collect();
    let roles: StringArray = rows.iter().map(|row| Some(row.1)).collect();
    let sentiments: Float64Array = rows.iter().map(|row| row.2).collect();
    let indices: Int32Array = rows.iter().map(|row| row.3).collect();
    let times: TimestampMicrosecondArray = rows
        .iter()
        .map(|row| row.3.map(|index| i64::from(index) * 1_000_000))
        .collect();
    let texts: StringArray = rows
        .iter()
        .map(|row| {
            row.2.map(|mood| {
                if mood < 0.0 {
                    "this does not work"
                } else {
                    "thank you"
                }
            })
        })
        .collect();
    batch(vec![
        ("conversation", Arc::new(conversations)),
        ("role", Arc::new(roles)),
        ("mood", Arc::new(sentiments)),
        ("turn", Arc::new(indices)),
        ("at", Arc::new(times.with_timezone("UTC"))),
        ("text", Arc::new(texts)),
    ])
}

const SIX: [Row; 8] = [
    (1, "customer", Some(-0.75), Some(0)),
    (1, "agent", Some(0.9), Some(1)),
    (1, "customer", Some(-0.5), Some(2)),
    (1, "customer", Some(0.0), Some(3)),
    (1, "customer", Some(0.25), Some(4)),
    (1, "customer", None, Some(5)),
    (1, "customer", Some(0.5), Some(6)),
    (1, "customer", Some(0.875), Some(7)),
];

#[tokio::test]
async fn sentiment_of_a_conversation_is_worked_out_by_hand() {
    let session = session();
    let mut shuffled = SIX;
    shuffled.reverse();
    with_table(&session, vec![vec![turns(&shuffled)]]);
    let detail = "conversation_sentiment_detail(role, mood, at, turn)";
    let answer = rows(
        &session,
        &format!(
            "SELECT conversation_sentiment(role, mood, at, turn), get_field({detail}, 'overall'),
                    get_field({detail}, 'start_score'), get_field({detail}, 'end_score'), get_field({detail}, 'trend')
             FROM t GROUP BY conversation"
        ),
    )
    .await
    .unwrap();
    let expected = [0.0625, 0.0625, -0.625, 0.6875, 0.65625];
    for (column, expected) in answer.columns().iter().zip(expected) {
        let found = column.as_primitive::<Float64Type>().value(0);
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} instead of {expected}"
        );
    }
}

#[tokio::test]
async fn fewer_than_six_turns_have_no_trend() {
    let session = session();
    with_table(&session, vec![vec![turns(&SIX[..7])]]);
    let sql = "SELECT conversation_sentiment_detail(role, mood, at, turn) FROM t";
    let answer = rows(&session, sql).await.unwrap();
    assert_eq!(
        show(answer.column(0), 0),
        "{start_score: NULL, end_score: NULL, overall: -0.1, trend: NULL}"
    );
}

#[tokio::test]
async fn without_a_customer_there_is_nothing_to_say() {
    let session = session();
    let rows_of_others: [Row; 3] = [
        (1, "agent", Some(0.5), Some(0)),
        (1, "tool", Some(0.5), Some(1)),
        (1, "customer", None, Some(2)),
    ];
    with_table(&session, vec![vec![turns(&rows_of_others)]]);
    for function in ["conversation_sentiment", "conversation_sentiment_detail"] {
        for tail in ["", " GROUP BY conversation", " WHERE turn > 9"] {
            let sql = format!("SELECT {function}(role, mood, at, turn) FROM t{tail}");
            let answer = rows(&session, &sql).await.unwrap();
            assert!(answer.column(0).is_null(0), "{sql}");
        }
    }
    let sql = "SELECT conversation_effort(role, effort_features(text), at, turn) FROM t";
    assert!(rows(&session, sql).await.unwrap().column(0).is_null(0));
}

#[tokio::test]
async fn effort_needs_no_times_and_explains_itself() {
    let session = session();
    with_table(&session, vec![vec![turns(&SIX)]]);
    let call = "(role, effort_features(text), NULL, turn)";
    let sql = format!(
        "SELECT conversation_effort{call}, get_field(conversation_effort_detail{call}, 'score'),
                effort_level(conversation_effort{call}) FROM t"
    );
    let answer = rows(&session, &sql).await.unwrap();
    let score = answer.column(0).as_primitive::<Float64Type>().value(0);
    assert!((-5.0..=5.0).contains(&score) && score != 0.0, "{score}");
    assert_eq!(answer.column(0), answer.column(1));
    assert!(answer.column(2).is_valid(0));
}

#[tokio::test]
async fn arguments_of_other_types_give_the_same() {
    let session = session();
    let original = turns(&SIX);
    let column = |name: &str| Arc::clone(original.column_by_name(name).unwrap());
    let indices: Int64Array = SIX.iter().map(|row| row.3.map(i64::from)).collect();
    let times: TimestampSecondArray = SIX.iter().map(|row| row.3.map(i64::from)).collect();
    let roles = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8View));
    let other = batch(vec![
        ("role", cast(&column("role"), &roles).unwrap()),
        ("mood", column("mood")),
        ("at", Arc::new(times) as ArrayRef),
        ("turn", Arc::new(indices)),
    ]);
    with_table(&session, vec![vec![other]]);
    let sql = "SELECT conversation_sentiment_detail(role, mood, at, turn) FROM t";
    let found = rows(&session, sql).await.unwrap();
    let fresh = self::session();
    with_table(&fresh, vec![vec![original.clone()]]);
    let expected = rows(&fresh, sql).await.unwrap();
    assert_eq!(show(found.column(0), 0), show(expected.column(0), 0));
}

#[tokio::test]
async fn a_constant_conversation_works() {
    let sql = "SELECT conversation_sentiment('customer', 0.5, TIMESTAMP '2026-01-01', 1)";
    assert_eq!(shown(sql).await, "0.5");
}

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    let role = prop::sample::select(vec!["customer", "customer", "agent", "bot", "tool", "x"]);
    let mood = prop::option::weighted(
        0.8,
        (-8_i32..9).prop_map(|eighths| f64::from(eighths) / 8.0),
    );
    let row = (0_i32..5, role, mood, prop::option::weighted(0.9, 0_i32..40));
    prop::collection::vec(row, 1..40)
}

const DETAILS: &str = "conversation_sentiment_detail(role, mood, at, turn),
    conversation_effort_detail(role, effort_features(text), at, turn)";

fn answer(session: &datafusion::prelude::SessionContext, sql: &str) -> Vec<Vec<String>> {
    let batch = wait(rows(session, sql)).unwrap();
    let row = |row| {
        batch
            .columns()
            .iter()
            .map(|column| show(column, row))
            .collect()
    };
    (0..batch.num_rows()).map(row).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// One partition and one batch against several small ones: partial states are merged.
    #[test]
    fn plans_and_orders_of_rows_change_nothing(rows in any_rows(), partitions in 1_usize..5) {
        let sql = format!("SELECT conversation, {DETAILS} FROM t GROUP BY conversation ORDER BY 1");
        let one = session_with(SessionConfig::new().with_target_partitions(1));
        with_table(&one, vec![vec![turns(&rows)]]);
        let config = SessionConfig::new()
            .with_target_partitions(4)
            .with_batch_size(3)
            .set_u64("datafusion.execution.skip_partial_aggregation_probe_rows_threshold", 2)
            .set_str("datafusion.execution.skip_partial_aggregation_probe_ratio_threshold", "0.1");
        let many = session_with(config);
        let mut reversed = rows.clone();
        reversed.reverse();
        let mut parts = vec![Vec::new(); partitions];
        for (index, rows) in reversed.chunks(4).enumerate() {
            parts[index % partitions].push(turns(rows));
        }
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        with_table(&many, parts);
        prop_assert_eq!(answer(&one, &sql), answer(&many, &sql));
    }

    /// A window's value is that of the aggregate over the rows of its frame.
    #[test]
    fn windows_are_aggregates_of_their_frames(
        rows in any_rows(),
        (before, after) in (0_usize..6, 0_usize..4),
        is_running in any::<bool>(),
    ) {
        // A number a row, so that the order of the window is fixed.
        let rows: Vec<Row> = rows
            .into_iter()
            .zip(0..)
            .map(|((_, role, mood, _), place)| (0, role, mood, Some(place)))
            .collect();
        let session = session_with(SessionConfig::new().with_batch_size(7));
        with_table(&session, vec![vec![turns(&rows)]]);
        let frame = if is_running {
            "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_owned()
        } else {
            format!("ROWS BETWEEN {before} PRECEDING AND {after} FOLLOWING")
        };
        let windowed = format!(
            "SELECT conversation_sentiment_detail(role, mood, at, turn) OVER w,
                    conversation_effort(role, effort_features(text), at, turn) OVER w
             FROM t WINDOW w AS (PARTITION BY conversation ORDER BY turn {frame}) ORDER BY turn"
        );
        let windowed = answer(&session, &windowed);
        for (place, found) in windowed.iter().enumerate() {
            let from = if is_running { 0 } else { place.saturating_sub(before) };
            let to = if is_running { place } else { place + after };
            let sql = format!(
                "SELECT conversation_sentiment_detail(role, mood, at, turn),
                        conversation_effort(role, effort_features(text), at, turn)
                 FROM t WHERE turn BETWEEN {from} AND {to}"
            );
            prop_assert_eq!(found, &answer(&session, &sql)[0], "row {} with {}", place, &frame);
        }
    }
}
