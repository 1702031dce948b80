//! Work done once for each distinct text of an array.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::convert::Infallible;
use std::hash::{BuildHasherDefault, Hasher};

/// What was worked out for the rows of an array, once for each distinct text.
#[derive(Debug)]
pub(crate) struct Answers<T> {
    values: Vec<T>,
    /// The place of each row's answer among `values`; `None` for a row without a text.
    rows: Vec<Option<u32>>,
}

impl<T> Answers<T> {
    /// Calls `work` once for each distinct text, in the order in which they come.
    pub(crate) fn of<'a>(
        texts: impl Iterator<Item = Option<&'a str>>,
        mut work: impl FnMut(&'a str) -> T,
    ) -> Answers<T> {
        let Ok(answers) = Answers::try_of(texts, |text| Ok::<T, Infallible>(work(text)));
        answers
    }

    /// The same with work that can fail; the first failure ends it.
    pub(crate) fn try_of<'a, E>(
        texts: impl Iterator<Item = Option<&'a str>>,
        mut work: impl FnMut(&'a str) -> Result<T, E>,
    ) -> Result<Answers<T>, E> {
        let room = texts.size_hint().0;
        let mut places: HashMap<&str, u32, BuildHasherDefault<TextHasher>> =
            HashMap::with_capacity_and_hasher(room, BuildHasherDefault::default());
        let mut values = Vec::with_capacity(room);
        let mut rows = Vec::with_capacity(room);
        for text in texts {
            let Some(text) = text else {
                rows.push(None);
                continue;
            };
            let place = match places.entry(text) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(free) => {
                    values.push(work(text)?);
                    *free.insert(values.len() as u32 - 1)
                }
            };
            rows.push(Some(place));
        }
        Ok(Answers { values, rows })
    }

    /// The answer of one row.
    pub(crate) fn row(&self, row: usize) -> Option<&T> {
        let place = (*self.rows.get(row)?)?;
        self.values.get(place as usize)
    }

    /// The answer of each row.
    pub(crate) fn rows(&self) -> impl ExactSizeIterator<Item = Option<&T>> {
        self.rows
            .iter()
            .map(|row| row.and_then(|row| self.values.get(row as usize)))
    }
}

/// A hash of whole texts, sixteen bytes at a step; equality is checked by the map.
#[derive(Debug, Default)]
struct TextHasher(u64);

impl Hasher for TextHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
        let (steps, rest) = bytes.as_chunks::<16>();
        for step in steps {
            if let (Some(low), Some(high)) = (step.first_chunk(), step.last_chunk()) {
                self.0 = folded(word(low) ^ self.0, word(high) ^ FIRST);
            }
        }
        let mut last = [0; 16];
        last[..rest.len()].copy_from_slice(rest);
        if let (Some(low), Some(high)) = (last.first_chunk(), last.last_chunk()) {
            self.0 = folded(word(low) ^ self.0, word(high) ^ SECOND ^ bytes.len() as u64);
        }
    }

    fn write_u8(&mut self, _end_mark: u8) {}
}

/// Odd numbers without a pattern: the golden ratio and the root of two as 64 bits.
const FIRST: u64 = 0x9e37_79b9_7f4a_7c15;
const SECOND: u64 = 0x6a09_e667_f3bc_c909;

/// Both halves of a product: every bit of both numbers reaches them.
fn folded(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_worked_on_once() {
        let mut calls = 0;
        let texts = ["a", "b", "a", "a"].map(Some).into_iter().chain([None]);
        let answers = Answers::of(texts, |text| {
            calls += 1;
            text.to_uppercase()
        });
        let rows: Vec<Option<&str>> = answers.rows().map(|row| row.map(String::as_str)).collect();
        assert_eq!(rows, [Some("A"), Some("B"), Some("A"), Some("A"), None]);
        assert_eq!(calls, 2);
    }
}
