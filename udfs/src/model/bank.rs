//! The weights of several heads side by side, and the words whose sums are known beforehand.
//!
//! Heads are linear and a text's features belong to its words (and pairs of them), so a text's
//! margins are a sum over its words. The sum of a word over all heads is computed once for the
//! words of a vocabulary and kept in a table that nobody writes to any more. Sums are integers:
//! a known word and the same word computed anew give the same bits, in any order.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::bytes::hash_bytes;
use super::features::{KnownPairs, STEPS};
use super::format::Head;
use super::known::Known;
use super::lanes::{LANE_GROUP, fetch, table_of};
use super::text::{Kind, Token};

/// Where a head's classes lie among the margins of a text.
pub(crate) type Lanes = Range<usize>;

/// The lanes of each head, one head behind the other.
pub(crate) fn lanes(heads: &[&Head]) -> Vec<Lanes> {
    let mut end = 0;
    heads
        .iter()
        .map(|head| {
            let start = end;
            end += head.classes();
            start..end
        })
        .collect()
}

/// The heads of a model set, and a bank for every choice among them that was asked for so far: a
/// call that reads one head should not fetch the weights of all.
#[derive(Debug)]
pub(crate) struct Banks {
    heads: Vec<Head>,
    vocabulary: String,
    pairs: Arc<KnownPairs>,
    /// The bank of the heads whose bits are set in the index.
    chosen: Vec<OnceLock<Bank>>,
}

impl Banks {
    /// Heads in an order that their lanes keep; few, for there is a place for every choice.
    pub(crate) fn new(heads: Vec<Head>, vocabulary: &str, pairs: KnownPairs) -> Banks {
        Banks {
            chosen: (0..1usize << heads.len())
                .map(|_| OnceLock::new())
                .collect(),
            vocabulary: vocabulary.to_owned(),
            pairs: Arc::new(pairs),
            heads,
        }
    }

    /// The bank of a choice of heads, a bit for each; it is made at its first use.
    pub(crate) fn of(&self, choice: usize) -> &Bank {
        self.chosen[choice].get_or_init(|| {
            let heads: Vec<&Head> = self.heads.iter().collect();
            Bank::new(
                &heads,
                choice,
                &self.vocabulary,
                Some(Arc::clone(&self.pairs)),
            )
        })
    }
}

/// One table of weights: every head in it has the same number of rows.
#[derive(Debug)]
pub(super) struct Table {
    bits: u32,
    pub(super) pairs: bool,
    /// The lanes of a row: groups of [`LANE_GROUP`]. The last group may reach over the lanes of the
    /// next table, to which it adds nothing.
    pub(super) lanes: Lanes,
    /// Of each of the 2^bits rows its place among `weights`, where only some of them are there: row
    /// 0 stands for all others.
    places: Vec<u32>,
    /// Rows from `start` on, which lies at a cache line.
    pub(super) weights: Vec<i8>,
    start: usize,
}

/// Where the classes of a head lie.
#[derive(Debug)]
pub(super) struct Place {
    /// Among the sums of a bank.
    pub(super) sums: usize,
    /// Among the margins of a text.
    pub(super) margins: Lanes,
}

/// Some heads side by side.
#[derive(Debug)]
pub(crate) struct Bank {
    /// Tells banks apart: a thread's memory of rare words belongs to one of them.
    pub(super) number: u64,
    pub(super) tables: Vec<Table>,
    pub(super) places: Vec<Place>,
    /// Lanes of a sum, a multiple of [`LANE_GROUP`].
    pub(super) lanes: usize,
    /// Lanes to the end of the last group of every table.
    pub(super) room: usize,
    pub(super) scale: Vec<f32>,
    pub(super) bias: Vec<f32>,
    pub(super) known: Known,
    pub(super) pairs: Option<Arc<KnownPairs>>,
    /// Margins of a text, with those of heads that are not in the bank.
    margins: usize,
    /// The processor has AVX2.
    #[cfg(target_arch = "x86_64")]
    wide: bool,
}

impl Table {
    /// Where the row of a feature begins among the weights.
    #[inline(always)]
    pub(super) fn row_start(&self, hash: u64) -> usize {
        let mut row = (hash >> (64 - self.bits)) as usize;
        if let Some(place) = self.places.get(row) {
            row = *place as usize;
        }
        self.start + row * self.lanes.len()
    }

    #[inline(always)]
    pub(super) fn fetch(&self, hash: u64) {
        let start = self.row_start(hash);
        fetch(&self.weights[start..start + self.lanes.len()]);
    }
}

/// The number of rows to keep, and of each of 2^bits rows its place among them.
fn rows_of(places: &[u32], bits: u32) -> (usize, Vec<u32>) {
    let mut of_rows = vec![0; 1 << bits];
    for (row, place) in (1..).zip(places) {
        of_rows[*place as usize] = row;
    }
    (places.len() + 1, of_rows)
}

impl Bank {
    /// Puts the heads whose bits are set in `choice` side by side. They read the pairs of neighbours
    /// that `pairs` knows, all of them without it.
    pub(crate) fn new(
        heads: &[&Head],
        choice: usize,
        vocabulary: &str,
        pairs: Option<Arc<KnownPairs>>,
    ) -> Bank {
        let places = lanes(heads);
        let is_chosen = |index: &usize| choice & (1 << index) != 0;
        // A head of some rows has a table of its own.
        let kind = |index: usize| {
            let Head { header, places, .. } = heads[index];
            let alone = (!places.is_empty()).then_some(index);
            (header.bits, header.pairs, alone)
        };
        let mut kinds: Vec<(u32, bool, Option<usize>)> = Vec::new();
        for index in (0..heads.len()).filter(is_chosen) {
            if !kinds.contains(&kind(index)) {
                kinds.push(kind(index));
            }
        }
        static BANKS: AtomicU64 = AtomicU64::new(1);
        let mut bank = Bank {
            number: BANKS.fetch_add(1, Ordering::Relaxed),
            tables: Vec::new(),
            places: Vec::new(),
            lanes: 0,
            room: 0,
            scale: Vec::new(),
            bias: Vec::new(),
            known: Known::default(),
            pairs,
            margins: places.last().map_or(0, |last| last.end),
            #[cfg(target_arch = "x86_64")]
            wide: is_x86_feature_detected!("avx2"),
        };
        for (bits, reads_pairs, alone) in kinds {
            let start = bank.lanes;
            let members: Vec<usize> = (0..heads.len())
                .filter(is_chosen)
                .filter(|index| kind(*index) == (bits, reads_pairs, alone))
                .collect();
            let used: usize = members.iter().map(|index| heads[*index].classes()).sum();
            let width = used.div_ceil(LANE_GROUP) * LANE_GROUP;
            let (rows, of_rows) = match alone {
                Some(index) => rows_of(&heads[index].places, bits),
                None => (1 << bits, Vec::new()),
            };
            let (mut weights, aligned) = table_of(width * rows);
            let mut at = 0;
            for member in members {
                let head = heads[member];
                let classes = head.classes();
                // Row 0 of a head of some rows is the row of all others.
                for (row, source) in weights[aligned..]
                    .chunks_exact_mut(width)
                    .skip(usize::from(alone.is_some()))
                    .zip(head.weights.chunks_exact(classes))
                {
                    row[at..at + classes].copy_from_slice(source);
                }
                bank.places.push(Place {
                    sums: start + at,
                    margins: places[member].clone(),
                });
                bank.scale
                    .extend(head.header.scale.iter().map(|s| s / STEPS));
                bank.bias.extend_from_slice(&head.header.bias);
                at += classes;
            }
            bank.lanes = start + used;
            bank.room = bank.room.max(start + width);
            bank.tables.push(Table {
                bits,
                pairs: reads_pairs,
                lanes: start..start + width,
                places: of_rows,
                weights,
                start: aligned,
            });
        }
        bank.lanes = bank.lanes.next_multiple_of(LANE_GROUP);
        bank.room = bank.room.max(bank.lanes);
        bank.scale.resize(bank.lanes, 0.0);
        bank.bias.resize(bank.lanes, 0.0);
        bank.learn(vocabulary);
        bank
    }

    /// Margins that a text gets: one a class of every head.
    pub(crate) fn margins(&self) -> usize {
        self.margins
    }

    /// Whether the processor has AVX2.
    #[inline(always)]
    pub(super) fn is_wide(&self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return self.wide;
        #[cfg(not(target_arch = "x86_64"))]
        return false;
    }

    fn learn(&mut self, vocabulary: &str) {
        let mut known = Known::new(self.lanes, vocabulary.lines().count());
        let mut grams = vec![0; self.room * 2];
        let mut word = vec![0; self.lanes];
        for line in vocabulary.lines() {
            let (spelling, negated) = match line.strip_prefix('!') {
                Some(spelling) if !spelling.is_empty() && spelling != "!" && spelling != "!!" => {
                    (spelling, true)
                }
                _ => (line, false),
            };
            let token = Token {
                hash: hash_bytes(spelling.as_bytes()),
                start: 0,
                end: 0,
                source_start: 0,
                source_end: 0,
                kind: spelling_kind(spelling),
                class: 0,
                negated,
                boundary: false,
                ends_line: false,
            };
            if spelling.is_empty() || known.find(Known::key(&token)).is_some() {
                continue;
            }
            self.word_sums(&token, spelling.as_bytes(), &mut grams, &mut word);
            known.insert(Known::key(&token), &word);
        }
        self.known = known;
    }
}

fn spelling_kind(spelling: &str) -> Kind {
    let first = spelling.chars().next();
    if first.is_some_and(char::is_alphanumeric) {
        Kind::Word
    } else {
        Kind::Mark
    }
}
