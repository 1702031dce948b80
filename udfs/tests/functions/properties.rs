//! Properties of all functions: no text makes them panic, no boundary of batches changes a value.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::execution::FunctionRegistry;
use datafusion::prelude::{col, lit};
use proptest::prelude::*;

use crate::support::{OF_ONE_TEXT, batch, call, rows, session, wait, with_table};

fn text() -> impl Strategy<Value = Option<String>> {
    let piece = prop_oneof![
        "\\PC{0,12}",
        "[\\x00-\\x1f\u{300}-\u{36f}\u{5b0}-\u{5ea}\u{627}-\u{652}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}]{0,12}",
        "[a-zA-Z0-9@.:/_%+-]{0,200}",
        "(👩|👨|👧|❤|\u{200d}|\u{fe0f}|\u{1f3fd}|🏳|🇩|🇪|\u{e0067}){0,8}",
        ".{0,8}",
        "[0-9+() -]{0,16}",
        prop::sample::select(vec![
            "I want to cancel",
            "thank you",
            "charged twice",
            "manager",
            "jo@example.org",
            "my name is Ann Lee",
            "4111 1111 1111 1111",
            "\u{feff}",
            "\u{202e}",
            "😡😡",
            "لماذا",
            "but the delivery was awful",
            "customer service",
            "so angry!!!",
        ])
        .prop_map(str::to_owned),
    ];
    let text = prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.join(" "));
    prop_oneof![9 => text.prop_map(Some), 1 => Just(None)]
}

fn every_call() -> String {
    OF_ONE_TEXT
        .map(|function| call(function, "text"))
        .join(", ")
}

fn answers(batches: Vec<RecordBatch>) -> RecordBatch {
    let session = session();
    with_table(&session, vec![batches]);
    let sql = format!("SELECT {} FROM t", every_call());
    wait(rows(&session, &sql)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_text_has_the_same_values_alone_and_in_a_batch(
        texts in prop::collection::vec(text(), 1..6),
    ) {
        let column: ArrayRef = Arc::new(StringArray::from_iter(texts.clone()));
        let together = answers(vec![batch(vec![("text", column)])]);
        for (row, text) in texts.iter().enumerate() {
            let column: ArrayRef = Arc::new(StringArray::from(vec![text.as_deref()]));
            let alone = answers(vec![batch(vec![("text", column)])]);
            let expected = together.slice(row, 1);
            for (index, function) in OF_ONE_TEXT.iter().enumerate() {
                prop_assert_eq!(alone.column(index), expected.column(index), "{}", function);
            }
        }
    }

    #[test]
    fn any_list_of_aspects_is_answered_the_same_as_a_constant_and_as_a_column(
        texts in prop::collection::vec(text(), 1..6),
        names in prop::collection::vec(prop::option::of(".{0,12}|delivery|customer service|but"), 0..5),
    ) {
        let column: ArrayRef = Arc::new(StringArray::from_iter(texts.clone()));
        let values: Vec<ScalarValue> = names.iter().map(|name| ScalarValue::Utf8(name.clone())).collect();
        let list = ScalarValue::List(ScalarValue::new_list_nullable(&values, &DataType::Utf8));
        let lists = list.to_array_of_size(texts.len()).unwrap();
        let session = session();
        let table = session.read_batch(batch(vec![("text", column), ("names", lists)])).unwrap();
        let aspects = session.udf("sentiment_aspects").unwrap();
        let calls = vec![
            aspects.call(vec![col("text"), lit(list)]),
            aspects.call(vec![col("text"), col("names")]),
        ];
        let batches = wait(table.select(calls).unwrap().collect()).unwrap();
        for batch in batches {
            prop_assert_eq!(batch.column(0), batch.column(1));
        }
    }

    #[test]
    fn boundaries_of_batches_change_nothing(
        texts in prop::collection::vec(text(), 1..200),
        cut in 1_usize..40,
    ) {
        let column: ArrayRef = Arc::new(StringArray::from_iter(texts));
        let whole = batch(vec![("text", column)]);
        let pieces = (0..whole.num_rows())
            .step_by(cut)
            .map(|from| whole.slice(from, cut.min(whole.num_rows() - from)))
            .collect();
        let expected = answers(vec![whole.clone()]);
        let found = answers(pieces);
        for (index, function) in OF_ONE_TEXT.iter().enumerate() {
            prop_assert_eq!(found.column(index), expected.column(index), "{}", function);
        }
    }
}
