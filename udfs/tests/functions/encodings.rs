//! The same values for every way in which Arrow holds strings.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;

use crate::support::{OF_ONE_TEXT, batch, call, literal, rows, session, show, with_table};

fn texts() -> Vec<Option<&'static str>> {
    vec![
        Some("I want a refund, you charged me twice!"),
        None,
        Some(""),
        Some("Thank you so much, that was quick"),
        Some("  "),
        Some("I will cancel my account, get me a manager. jo@example.org"),
        Some("Thank you so much, that was quick"),
        Some("Wo bleibt meine Bestellung? Ich warte seit zwei Wochen."),
        Some("我的订单在哪里"),
        Some("\u{1f622}\u{1f622}"),
    ]
}

async fn answers(function: &str, column: ArrayRef) -> Vec<String> {
    let session = session();
    with_table(&session, vec![vec![batch(vec![("text", column)])]]);
    let sql = format!("SELECT {} FROM t", call(function, "text"));
    let batch = rows(&session, &sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    (0..batch.num_rows())
        .map(|row| show(batch.column(0), row))
        .collect()
}

#[tokio::test]
async fn every_string_type_gives_the_same() {
    let utf8: ArrayRef = Arc::new(StringArray::from(texts()));
    let dictionary =
        |keys: DataType, values: DataType| DataType::Dictionary(Box::new(keys), Box::new(values));
    let types = [
        DataType::LargeUtf8,
        DataType::Utf8View,
        dictionary(DataType::Int32, DataType::Utf8),
        dictionary(DataType::UInt8, DataType::LargeUtf8),
        dictionary(DataType::Int64, DataType::Utf8View),
    ];
    for function in OF_ONE_TEXT {
        let expected = answers(function, Arc::clone(&utf8)).await;
        for data_type in &types {
            let column = cast(&utf8, data_type).unwrap();
            assert_eq!(
                answers(function, column).await,
                expected,
                "{function} of {data_type}"
            );
        }
    }
}

#[tokio::test]
async fn slices_and_constants_give_the_same() {
    let utf8: ArrayRef = Arc::new(StringArray::from(texts()));
    let encoded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let encoded = cast(&utf8, &encoded).unwrap();
    for function in OF_ONE_TEXT {
        let expected = answers(function, Arc::clone(&utf8)).await;
        let sliced = answers(function, utf8.slice(3, 5)).await;
        assert_eq!(sliced, expected[3..8], "{function} of a slice");
        let sliced = answers(function, encoded.slice(5, 2)).await;
        assert_eq!(
            sliced,
            expected[5..7],
            "{function} of a slice of a dictionary"
        );
        for (text, expected) in texts().iter().zip(&expected) {
            let text = text.map_or("NULL".to_owned(), literal);
            let sql = format!("SELECT {}", call(function, &text));
            assert_eq!(&crate::support::shown(&sql).await, expected, "{sql}");
        }
    }
}

/// More rows than the threshold of the memo, several calls on the same and on other batches.
#[tokio::test]
async fn calls_side_by_side_give_what_each_gives_alone() {
    let long = |turn: usize| -> ArrayRef {
        let texts = texts();
        let rows = (0..200).map(|row| texts[(row * 7 + turn) % texts.len()]);
        Arc::new(rows.collect::<StringArray>())
    };
    let batches: Vec<_> = (0..4)
        .map(|turn| batch(vec![("text", long(turn))]))
        .collect();
    let session = session();
    with_table(&session, vec![batches]);
    let calls: Vec<String> = OF_ONE_TEXT
        .iter()
        .map(|function| call(function, "text"))
        .collect();
    let together = rows(&session, &format!("SELECT {} FROM t", calls.join(", ")))
        .await
        .unwrap();
    assert_eq!(together.num_rows(), 800);
    for (index, call) in calls.iter().enumerate() {
        let alone = rows(&session, &format!("SELECT {call} FROM t"))
            .await
            .unwrap();
        assert_eq!(
            together.column(index).as_ref(),
            alone.column(0).as_ref(),
            "{call}"
        );
    }
}
