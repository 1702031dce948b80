//! Parameters: their types before a statement runs, their values when it does.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::ScalarValue;
use verbatim::session::Session;

use super::{engine, rows};

async fn types(session: &Session, sql: &str, declared: &[Option<DataType>]) -> Vec<DataType> {
    let statement = session.parse(sql).unwrap().remove(0);
    let prepared = session.prepare(statement, declared).await.unwrap();
    prepared.parameters().to_vec()
}

async fn number(session: &Session, sql: &str, values: Vec<ScalarValue>) -> i64 {
    let statement = session.parse(sql).unwrap().remove(0);
    let prepared = session.prepare(statement, &[]).await.unwrap();
    let batches = rows(session.run(&prepared, values).await.unwrap())
        .await
        .unwrap();
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

#[tokio::test]
async fn types_follow_from_casts_comparisons_and_declarations() {
    let (_folder, engine) = engine().await;
    let session = engine.session(None).unwrap();
    let number = DataType::Int64;
    assert_eq!(
        types(&session, "SELECT $1::bigint + 1", &[]).await,
        std::slice::from_ref(&number)
    );
    assert_eq!(
        types(
            &session,
            "SELECT * FROM messages WHERE turn_index > $2 AND text = $1",
            &[]
        )
        .await,
        [DataType::Utf8, DataType::Int32]
    );
    assert_eq!(types(&session, "SELECT $1", &[]).await, [DataType::Utf8]);
    assert_eq!(
        types(&session, "SELECT $1", &[Some(DataType::Float64)]).await,
        [DataType::Float64]
    );
    assert_eq!(
        types(&session, "SELECT 1 LIMIT $1", &[]).await,
        std::slice::from_ref(&number)
    );
    assert_eq!(
        types(
            &session,
            "SELECT * FROM repeat_contact(window_days => $1)",
            &[]
        )
        .await,
        [DataType::Int32]
    );
    assert_eq!(
        types(&session, "SELECT * FROM generate_series(1, $1)", &[]).await,
        [number]
    );
}

#[tokio::test]
async fn values_take_their_places() {
    let (_folder, engine) = engine().await;
    let session = engine.session(None).unwrap();
    let value = |number| ScalarValue::Int64(Some(number));
    assert_eq!(
        number(&session, "SELECT $1::bigint + 1", vec![value(41)]).await,
        42
    );
    assert_eq!(
        number(
            &session,
            "SELECT count(*) FROM generate_series(1, $1)",
            vec![value(7)]
        )
        .await,
        7
    );
    assert_eq!(
        number(
            &session,
            "SELECT count(*) FROM (VALUES (1), (2), (3)) AS t (a) WHERE a = ANY($1)",
            vec![ScalarValue::List(ScalarValue::new_list(
                &[value(1), value(3)],
                &DataType::Int64,
                true
            )),]
        )
        .await,
        2
    );
    // A value of another type is converted, as a text from a simple client is.
    assert_eq!(
        number(&session, "SELECT $1::bigint", vec![ScalarValue::from("12")]).await,
        12
    );
}

#[tokio::test]
async fn a_prepared_statement_sees_a_view_that_was_replaced() {
    let (_folder, engine) = engine().await;
    let session = engine.session(None).unwrap();
    session
        .execute("CREATE VIEW v AS SELECT 1::bigint AS a")
        .await
        .unwrap();
    let statement = session.parse("SELECT a FROM v").unwrap().remove(0);
    let prepared = session.prepare(statement, &[]).await.unwrap();
    session
        .execute("CREATE OR REPLACE VIEW v AS SELECT 2::bigint AS a")
        .await
        .unwrap();
    let batches = rows(session.run(&prepared, Vec::new()).await.unwrap())
        .await
        .unwrap();
    assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0), 2);
}
