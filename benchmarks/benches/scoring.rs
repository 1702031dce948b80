//! Kernels: what one core scores.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use verbatim_udfs::model::{ModelSet, ScoreColumn};

fn main() {
    divan::main();
}

const WORDS: [&str; 24] = [
    "invoice", "refund", "please", "not", "working", "again", "the", "my", "order", "late",
    "thank", "you", "manager", "cancel", "app", "crashes", "password", "when", "charged", "twice",
    "help", "still", "waiting", "great",
];

/// Texts of about 100 bytes, all different.
fn texts(rows: usize) -> ArrayRef {
    let mut state = 7u64;
    let mut word = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        WORDS[(state >> 33) as usize % WORDS.len()]
    };
    let text = |_| (0..16).map(|_| word()).collect::<Vec<_>>().join(" ");
    Arc::new(StringArray::from_iter_values((0..rows).map(text)))
}

#[divan::bench(args = ScoreColumn::ALL.map(ScoreColumn::name))]
fn one_column(bencher: divan::Bencher<'_, '_>, name: &str) {
    let texts = texts(8192);
    let column = ScoreColumn::ALL
        .into_iter()
        .find(|column| column.name() == name);
    let columns: Vec<ScoreColumn> = column.into_iter().collect();
    bencher
        .counter(divan::counter::ItemsCount::new(texts.len()))
        .bench(|| ModelSet::shipped().score(texts.as_ref(), &columns));
}

#[divan::bench]
fn all_columns(bencher: divan::Bencher<'_, '_>) {
    let texts = texts(8192);
    bencher
        .counter(divan::counter::ItemsCount::new(texts.len()))
        .bench(|| ModelSet::shipped().score(texts.as_ref(), &ScoreColumn::ALL));
}
