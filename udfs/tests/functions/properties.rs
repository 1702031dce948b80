//! Properties of all functions: no text makes them panic, no boundary of batches changes a value.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use proptest::prelude::*;

use crate::support::{OF_ONE_TEXT, batch, call, rows, session, wait, with_table};

fn text() -> impl Strategy<Value = Option<String>> {
    let piece = prop_oneof![
        "\\PC{0,12}",
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
