//! Training on a tiny set of our own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::data::Labelled;
use super::head::Recipe;

fn rows() -> Vec<Labelled> {
    let good = [
        "a lovely day",
        "what a lovely gift",
        "we had lovely weather",
        "lovely people",
    ];
    let bad = [
        "an awful day",
        "what an awful mess",
        "we had awful weather",
        "awful people",
    ];
    let label = |texts: [&str; 4], label: u16| {
        texts
            .map(|text| Labelled {
                text: text.to_owned(),
                label,
            })
            .to_vec()
    };
    [label(good, 1), label(bad, 0)].concat()
}

fn recipe(seed: u64) -> Recipe {
    Recipe {
        task: "tone".to_owned(),
        labels: vec!["bad".to_owned(), "good".to_owned()],
        bits: 10,
        pairs: true,
        known_pairs: None,
        some_rows: false,
        sentences: 0.0,
        fourier: 0,
        cost: 1.0,
        passes: 10,
        balance: 1.0,
        seed,
        trained_on: Vec::new(),
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let first = recipe(7).train(&rows(), &rows()).unwrap().encode().unwrap();
    let second = recipe(7).train(&rows(), &rows()).unwrap().encode().unwrap();
    assert_eq!(first, second);
    let other = recipe(8).train(&rows(), &rows()).unwrap().encode().unwrap();
    assert_ne!(first, other);
}

#[test]
fn a_head_survives_its_file() {
    let head = recipe(7).train(&rows(), &rows()).unwrap();
    assert_eq!(
        crate::model::Head::decode(&head.encode().unwrap()).unwrap(),
        head
    );
}

#[test]
fn a_word_seen_in_training_decides_a_new_text() {
    let head = recipe(7).train(&rows(), &rows()).unwrap();
    let bank = crate::model::bank::Bank::new(&[&head], 1, "lovely\nawful\n", None);
    let mut text = crate::model::text::TokenBuffer::default();
    let (mut sums, mut margins) = Default::default();
    for (sentence, label) in [("such a lovely song", 1), ("such an awful song", 0)] {
        text.read(sentence);
        bank.add_up(&text, &mut sums, &mut margins);
        assert_eq!(usize::from(margins[1] > margins[0]), label, "{sentence}");
    }
    // A word of the vocabulary and the same word computed anew add the same.
    let unknowing = crate::model::bank::Bank::new(&[&head], 1, "", None);
    let mut anew = Vec::new();
    unknowing.add_up(&text, &mut sums, &mut anew);
    assert_eq!(anew, margins);
}
