//! The frozen table of words whose sums are known beforehand.

use super::lanes::{fetch, table_of};
use super::text::Token;

/// Rows of sums by the hash of a word: open addressing, nobody writes to it any more.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Of each place the upper bits of the word's key and, below, its row plus 1; 0 is free. The
    /// lower bits of the key say where the search begins.
    places: Vec<u64>,
    /// Rows of `lanes` sums from `start` on, which lies at a cache line.
    pub(super) sums: Vec<i16>,
    start: usize,
    lanes: usize,
    rows: u64,
}

/// Bits of a place that hold the row.
const ROW_BITS: u64 = (1 << 24) - 1;
/// Rows at most: more words than any vocabulary has.
const MOST_ROWS: usize = ROW_BITS as usize - 1;

impl Known {
    pub(super) fn new(lanes: usize, words: usize) -> Known {
        let words = words.min(MOST_ROWS);
        let places = (words * 2).next_power_of_two().max(16);
        let (sums, start) = table_of(lanes * words);
        Known {
            places: vec![0; places],
            start,
            sums,
            lanes,
            rows: 0,
        }
    }

    /// What a word is found by: a negated one is a word of its own.
    #[inline(always)]
    pub(super) fn key(token: &Token) -> u64 {
        // Without a branch: which words are negated cannot be foreseen.
        token.hash ^ (0xa076_1d64_78bd_642f * u64::from(token.negated))
    }

    /// Asks the processor for the place of a word.
    #[inline(always)]
    pub(super) fn fetch_place(&self, key: u64) {
        let at = key as usize & self.places.len().wrapping_sub(1);
        fetch(self.places.get(at..at + 1).unwrap_or_default());
    }

    /// Where the sums of a word begin.
    #[inline(always)]
    pub(super) fn find(&self, key: u64) -> Option<usize> {
        let mask = self.places.len().wrapping_sub(1);
        let mut at = key as usize & mask;
        loop {
            let place = *self.places.get(at)?;
            if place == 0 {
                return None;
            }
            if (place ^ key) & !ROW_BITS == 0 {
                let row = (place & ROW_BITS) as usize - 1;
                return Some(self.start + row * self.lanes);
            }
            at = (at + 1) & mask;
        }
    }

    /// Asks the processor for the sums that begin at `start`.
    #[inline(always)]
    pub(super) fn fetch_row(&self, start: usize) {
        fetch(&self.sums[start..start + self.lanes]);
    }

    /// Adds a word that is not there; one too many is left out.
    pub(super) fn insert(&mut self, key: u64, sums: &[i16]) {
        let start = self.start + self.rows as usize * self.lanes;
        let Some(row) = self.sums.get_mut(start..start + self.lanes) else {
            return;
        };
        row.copy_from_slice(sums);
        self.rows += 1;
        let mask = self.places.len() - 1;
        let mut at = key as usize & mask;
        while self.places[at] != 0 {
            at = (at + 1) & mask;
        }
        self.places[at] = (key & !ROW_BITS) | self.rows;
    }
}
