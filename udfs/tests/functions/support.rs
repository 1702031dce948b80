//! A session with the functions, and tables to call them on.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::{SessionConfig, SessionContext};

/// Every function of one text, and of one text with constants.
pub(crate) const OF_ONE_TEXT: [&str; 27] = [
    "sentiment",
    "sentiment_label",
    "sentiment_detail",
    "sentiment_aspects",
    "emotion",
    "emotion_intensity",
    "intent",
    "intent_score",
    "intent_detail",
    "topic",
    "topics",
    "effort_score",
    "effort_level",
    "effort_features",
    "churn_risk",
    "churn_risk_level",
    "churn_risk_detail",
    "escalation_request",
    "risk_signals",
    "detect_language",
    "pii_entities",
    "redact",
    "phrase_match",
    "embed",
    "similarity",
    "classify",
    "classify_multi",
];

/// The call of a function of one text on an expression.
pub(crate) fn call(function: &str, text: &str) -> String {
    match function {
        "phrase_match" => format!("phrase_match({text}, 'cancel* OR \"my card\" OR NOT a')"),
        "similarity" => format!("similarity({text}, 'where is my parcel')"),
        "sentiment_aspects" | "classify" | "classify_multi" => {
            format!("{function}({text}, aspects())")
        }
        _ => format!("{function}({text})"),
    }
}

pub(crate) fn session() -> SessionContext {
    session_with(SessionConfig::new())
}

pub(crate) fn session_with(config: SessionConfig) -> SessionContext {
    let mut session = SessionContext::new_with_config(config.with_information_schema(true));
    verbatim_udfs::register_all(&mut session).unwrap();
    session.register_udf(aspects());
    session
}

/// A list of aspects: `ARRAY['delivery']` needs the array functions, which a plain session has not.
fn aspects() -> ScalarUDF {
    let names = ["delivery", "customer service"].map(ScalarValue::from);
    let list = ScalarValue::List(ScalarValue::new_list_nullable(&names, &DataType::Utf8));
    let returns = list.data_type();
    create_udf(
        "aspects",
        vec![],
        returns,
        Volatility::Immutable,
        Arc::new(move |_| Ok(ColumnarValue::Scalar(list.clone()))),
    )
}

/// Registers `batches` as the table `t`, a partition each element of the outer list.
pub(crate) fn with_table(session: &SessionContext, partitions: Vec<Vec<RecordBatch>>) {
    let schema = partitions[0][0].schema();
    let table = MemTable::try_new(schema, partitions).unwrap();
    session.register_table("t", Arc::new(table)).unwrap();
}

/// The rows of a query in one batch.
pub(crate) async fn rows(session: &SessionContext, sql: &str) -> Result<RecordBatch> {
    let frame = session.sql(sql).await?;
    let schema = Arc::clone(frame.schema().inner());
    Ok(concat_batches(&schema, &frame.collect().await?)?)
}

/// The one value of a query without a table.
pub(crate) async fn value(sql: &str) -> Result<ScalarValue> {
    let batch = rows(&session(), sql).await?;
    assert_eq!((batch.num_rows(), batch.num_columns()), (1, 1), "{sql}");
    ScalarValue::try_from_array(batch.column(0), 0)
}

/// The one value of a query without a table, as text; NULL as "NULL".
pub(crate) async fn shown(sql: &str) -> String {
    let batch = rows(&session(), sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    show(batch.column(0), 0)
}

/// A value as text.
pub(crate) fn show(array: &ArrayRef, row: usize) -> String {
    let options = FormatOptions::default().with_null("NULL");
    ArrayFormatter::try_new(array, &options)
        .unwrap()
        .value(row)
        .to_string()
}

/// The error of a query that must fail.
pub(crate) async fn error(sql: &str) -> String {
    match rows(&session(), sql).await {
        Ok(batch) => panic!("{sql} gave {batch:?}"),
        Err(error) => error.to_string(),
    }
}

/// A text as an SQL literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

pub(crate) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    )
    .unwrap()
}

/// Runs a future to its end, for tests that are not asynchronous.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
