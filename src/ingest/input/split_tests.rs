#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Read;

use proptest::prelude::*;

use super::{Fault, Layout, Splitter};

/// Hands out a source in pieces of the given sizes, over and over.
struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: Vec<usize>,
    turn: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes[self.turn % self.sizes.len()].max(1);
        self.turn += 1;
        let taken = size.min(out.len()).min(self.bytes.len());
        out[..taken].copy_from_slice(&self.bytes[..taken]);
        self.bytes = &self.bytes[taken..];
        Ok(taken)
    }
}

fn cut(bytes: &[u8], layout: Layout, limit: usize, sizes: Vec<usize>) -> Vec<String> {
    let mut splitter = Splitter::new(
        Pieces {
            bytes,
            sizes,
            turn: 0,
        },
        layout,
        limit,
    );
    let mut out = Vec::new();
    while let Some(record) = splitter.next() {
        out.push(match record {
            Ok(record) => format!("{}: {}", record.line, String::from_utf8_lossy(record.bytes)),
            Err(Fault::TooLong { line }) => format!("{line}! too long"),
            Err(Fault::Unfinished { line }) => format!("{line}! unfinished"),
            Err(Fault::NoArray { line, message }) => format!("{line}! {message}"),
            Err(other) => panic!("{other:?}"),
        });
        assert!(out.len() <= bytes.len() + 1, "no progress");
    }
    out
}

fn root() -> Layout {
    Layout::Array(Vec::new())
}

fn under(path: &str) -> Layout {
    Layout::Array(path.split('.').map(String::from).collect())
}

#[test]
fn lines_skip_blanks_and_number_from_one() {
    let found = cut(
        b"{\"a\":1}\n\n  \r\n{\"a\":2}\r\n{}",
        Layout::Lines,
        100,
        vec![3],
    );
    assert_eq!(found, ["1: {\"a\":1}", "4: {\"a\":2}\r", "5: {}"]);
}

#[test]
fn a_line_over_the_limit_is_skipped_and_the_rest_comes() {
    let text = format!("[1]\n{}\n[2]\n", "x".repeat(5000));
    assert_eq!(
        cut(text.as_bytes(), Layout::Lines, 64, vec![7]),
        ["1: [1]", "2! too long", "3: [2]"]
    );
    let text = format!("[[1],\n[\"{}\"],\n[2]]", "x".repeat(600_000));
    assert_eq!(
        cut(text.as_bytes(), root(), 64, vec![700]),
        ["1: [1]", "2! too long", "3: [2]"]
    );
}

#[test]
fn elements_of_an_array_come_one_by_one() {
    let text = b"\n[ {\"a\": \"],}\\\"\"},\n {\"b\": [1, {}]} , 3, \"x, y\"\n]";
    let found = cut(text, root(), 100, vec![1]);
    assert_eq!(
        found,
        [
            "2: {\"a\": \"],}\\\"\"}",
            "3: {\"b\": [1, {}]}",
            "3: 3",
            "3: \"x, y\""
        ]
    );
    assert_eq!(cut(b"[]", root(), 100, vec![1]), Vec::<String>::new());
    assert_eq!(cut(b"  ", root(), 100, vec![1]), Vec::<String>::new());
}

#[test]
fn a_nested_array_is_found_by_its_keys() {
    let text =
        br#"{"x": {"items": [9]}, "s": "\"items\": [", "data": {"n": 1, "items": [{"a":1}, 2]}}"#;
    assert_eq!(
        cut(text, under("data.items"), 100, vec![2]),
        ["1: {\"a\":1}", "1: 2"]
    );
    assert_eq!(
        cut(text, under("data.rows"), 100, vec![2]),
        ["1! no array is found under \"data.rows\""]
    );
    assert_eq!(
        cut(text, under("data"), 100, vec![2]),
        ["1! \"data\" is not an array"]
    );
    assert_eq!(
        cut(b"{\"a\":1}", root(), 100, vec![2]),
        ["1! the file is not an array"]
    );
}

#[test]
fn values_may_span_lines() {
    let text = b"{\n \"a\": 1\n}\n{\"b\": 2} {\"c\":\n3}";
    let found = cut(text, Layout::Values, 100, vec![4]);
    assert_eq!(
        found,
        ["1: {\n \"a\": 1\n}", "4: {\"b\": 2}", "4: {\"c\":\n3}"]
    );
}

#[test]
fn a_broken_element_does_not_take_the_rest_along() {
    let text = b"[\n  {\"a\": 1},\n  {\"a\": {\"b\": 2},\n  {\"a\": 3},\n  {\"a\": 4}\n]";
    let found = cut(text, root(), 1000, vec![50]);
    assert_eq!(
        found,
        [
            "2: {\"a\": 1}",
            "3! unfinished",
            "4: {\"a\": 3}",
            "5: {\"a\": 4}"
        ]
    );
    assert_eq!(
        cut(b"[{\"a\": 1}, {\"a\"", root(), 100, vec![9]),
        ["1: {\"a\": 1}", "1! unfinished"]
    );
    assert_eq!(
        cut(b"[{\"a\": 1},", root(), 100, vec![9]),
        ["1: {\"a\": 1}", "1! unfinished"]
    );
}

#[test]
fn an_element_without_a_comma_behind_it_does_not_take_the_rest_along() {
    let text = b"[\n{\"a\": 1},\n{\"a\": \"2\n{\"a\": 3},\n{\"a\": 4}\n]";
    assert_eq!(
        cut(text, root(), 1000, vec![3]),
        [
            "2: {\"a\": 1}",
            "3! unfinished",
            "4: {\"a\": 3}",
            "5: {\"a\": 4}"
        ]
    );
}

#[test]
fn an_overlong_record_gives_back_what_it_swallowed() {
    for layout in [Layout::Values, root()] {
        let comma = if layout == Layout::Values { "" } else { "," };
        let opening = if layout == Layout::Values { "" } else { "[\n" };
        let mut text = format!("{opening}{{\"a\": {{{comma}\n");
        for number in 0..50_000 {
            text.push_str(&format!("{{\"b\": {number}}}{comma}\n"));
        }
        let found = cut(text.as_bytes(), layout, 10_000, vec![70_000]);
        assert!(found[0].ends_with("! too long"), "{}", found[0]);
        assert!(found[1].ends_with("{\"b\": 0}"), "{}", found[1]);
        assert!(found.len() >= 50_001);
    }
}

#[test]
fn broken_records_are_left_in_linear_time() {
    let begun = std::time::Instant::now();
    for line in ["{\"a\": \"cut\n", "{\"a\": {\"b\":\n", "{\"a\": [1,\n"] {
        let text = line.repeat(50_000);
        let found = cut(text.as_bytes(), Layout::Values, 64 << 20, vec![100_000]);
        assert_eq!(found.len(), 50_000);
        assert!(found.iter().all(|record| record.ends_with("! unfinished")));
        let text = format!("[\n{text}]");
        assert!(cut(text.as_bytes(), root(), 64 << 20, vec![100_000]).len() <= 50_001);
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(20));
}

proptest! {
    /// However the bytes arrive, the records are the same; and nothing panics or hangs.
    #[test]
    fn pieces_do_not_matter(
        bytes in prop::collection::vec(
            prop_oneof![
                Just(b'{'), Just(b'}'), Just(b'['), Just(b']'), Just(b','), Just(b'"'),
                Just(b'\\'), Just(b'\n'), Just(b':'), Just(b'a'), any::<u8>(),
            ],
            0..200,
        ),
        sizes in prop::collection::vec(1usize..40, 1..6),
        limit in 1usize..60,
        layout in 0usize..4,
    ) {
        let layout = [Layout::Lines, Layout::Values, root(), under("a")][layout].clone();
        // A limit may cut a record at different points of its way in; without one all is equal.
        cut(&bytes, layout.clone(), limit, sizes.clone());
        prop_assert_eq!(
            cut(&bytes, layout.clone(), 1000, sizes),
            cut(&bytes, layout, 1000, vec![1_000_000])
        );
    }

    /// Elements of a good array come out as they went in.
    #[test]
    fn good_arrays_come_whole(strings in prop::collection::vec(".{0,20}", 0..20), size in 1usize..50) {
        let value = serde_json::json!(
            strings.iter().map(|s| serde_json::json!({"text": s, "list": [s]})).collect::<Vec<_>>()
        );
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let mut splitter = Splitter::new(
                Pieces { bytes: text.as_bytes(), sizes: vec![size], turn: 0 }, root(), 10_000);
            for string in &strings {
                let record = splitter.next().unwrap().unwrap();
                let value: serde_json::Value = serde_json::from_slice(record.bytes).unwrap();
                prop_assert_eq!(value["text"].as_str(), Some(string.as_str()));
            }
            prop_assert!(splitter.next().is_none());
        }
    }
}
