//! The weights of several heads side by side, and the words whose sums are known beforehand.
//!
//! Heads are linear and a text's features belong to its words (and pairs of them), so a text's
//! margins are a sum over its words. The sum of a word over all heads is computed once for the
//! words of a vocabulary and kept in a table that nobody writes to any more. Sums are integers:
//! a known word and the same word computed anew give the same bits, in any order.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bytes::hash_bytes;
use super::features::{PAIR_STEPS, STEPS, pair_feature, text_factor, word_features};
use super::format::Head;
use super::text::{Kind, Token, TokenBuffer};

/// Lanes come in groups of this many, so that the adding loop has no rest.
const LANE_GROUP: usize = 16;

/// Where a head's classes lie among the lanes.
pub(crate) type Lanes = Range<usize>;

/// One table of weights: every head in it has the same number of rows.
#[derive(Debug)]
struct Table {
    bits: u32,
    pairs: bool,
    lanes: Range<usize>,
    /// Rows from `start` on, which lies at a cache line.
    weights: Vec<i8>,
    start: usize,
}

/// All heads of a model set.
#[derive(Debug)]
pub(crate) struct Bank {
    /// Tells banks apart: a thread's memory of rare words belongs to one of them.
    number: u64,
    tables: Vec<Table>,
    lanes: usize,
    scale: Vec<f32>,
    bias: Vec<f32>,
    known: Known,
    /// The processor has AVX2.
    #[cfg(target_arch = "x86_64")]
    wide: bool,
}

impl Table {
    #[inline(always)]
    fn row(&self, hash: u64) -> &[i8] {
        let width = self.lanes.len();
        let start = self.start + (hash >> (64 - self.bits)) as usize * width;
        &self.weights[start..start + width]
    }

    #[inline(always)]
    fn fetch(&self, hash: u64) {
        fetch(self.row(hash));
    }
}

/// Asks the processor for the cache lines of a row without waiting for them.
#[inline(always)]
fn fetch<T>(row: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        for line in (0..size_of_val(row)).step_by(CACHE_LINE) {
            // SAFETY: the address lies inside `row`; a prefetch reads nothing into the program.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(row.as_ptr().cast::<i8>().add(line)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = row;
}

const CACHE_LINE: usize = 64;

/// The reusable memory of one scoring thread.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    totals: Vec<i32>,
    pairs: Vec<i16>,
    exact: Vec<f32>,
    rows: Vec<Option<u32>>,
    rare: Rare,
}

/// The words outside the vocabulary that a thread met lately: one place a word, the last one wins.
#[derive(Debug, Default)]
struct Rare {
    /// The bank whose sums these are.
    bank: u64,
    keys: Vec<u64>,
    sums: Vec<i16>,
}

/// Places of [`Rare`]; a power of two.
const RARE: usize = 4096;
/// Pairs whose weights add up without leaving 16 bits.
const PAIRS_AT_ONCE: usize = 256;

impl Bank {
    /// Puts heads side by side; returns the lanes of each head in the order given.
    pub(crate) fn new(heads: &[&Head], vocabulary: &str) -> (Bank, Vec<Lanes>) {
        let mut kinds: Vec<(u32, bool)> = Vec::new();
        for head in heads {
            let kind = (head.header.bits, head.header.pairs);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        static BANKS: AtomicU64 = AtomicU64::new(1);
        let mut bank = Bank {
            number: BANKS.fetch_add(1, Ordering::Relaxed),
            tables: Vec::new(),
            lanes: 0,
            scale: Vec::new(),
            bias: Vec::new(),
            known: Known::default(),
            #[cfg(target_arch = "x86_64")]
            wide: is_x86_feature_detected!("avx2"),
        };
        let mut places = vec![0..0; heads.len()];
        for (bits, pairs) in kinds {
            let start = bank.lanes;
            let members: Vec<usize> = (0..heads.len())
                .filter(|i| (heads[*i].header.bits, heads[*i].header.pairs) == (bits, pairs))
                .collect();
            let used: usize = members.iter().map(|i| heads[*i].classes()).sum();
            let width = used.div_ceil(LANE_GROUP) * LANE_GROUP;
            let mut weights = vec![0i8; (width << bits) + CACHE_LINE];
            let aligned = weights.as_ptr().align_offset(CACHE_LINE).min(CACHE_LINE);
            let mut at = 0;
            for &member in &members {
                let head = heads[member];
                let classes = head.classes();
                for (row, source) in weights[aligned..]
                    .chunks_exact_mut(width)
                    .zip(head.weights.chunks_exact(classes))
                {
                    row[at..at + classes].copy_from_slice(source);
                }
                places[member] = start + at..start + at + classes;
                bank.scale
                    .extend(head.header.scale.iter().map(|s| s / STEPS));
                bank.bias.extend_from_slice(&head.header.bias);
                at += classes;
            }
            bank.lanes = start + width;
            bank.scale.resize(bank.lanes, 0.0);
            bank.bias.resize(bank.lanes, 0.0);
            bank.tables.push(Table {
                bits,
                pairs,
                lanes: start..bank.lanes,
                weights,
                start: aligned,
            });
        }
        bank.learn(vocabulary);
        (bank, places)
    }

    /// Sums up the words of a text; `margins` gets one value a lane.
    pub(crate) fn add_up(&self, text: &TokenBuffer, sums: &mut Sums, margins: &mut Vec<f32>) {
        self.add_up_part(text, 0..text.tokens.len(), sums, margins);
    }

    /// The margins of a part of a text, as if it stood alone.
    pub(crate) fn add_up_part(
        &self,
        text: &TokenBuffer,
        part: Range<usize>,
        sums: &mut Sums,
        margins: &mut Vec<f32>,
    ) {
        self.start(sums);
        let tokens = part.len();
        #[cfg(target_arch = "x86_64")]
        if self.wide {
            // SAFETY: `wide` is set only where the processor has AVX2.
            unsafe { self.add_tokens_wide(text, part, sums) };
            return self.finish(tokens, sums, margins);
        }
        self.add_tokens(text, part, sums);
        self.finish(tokens, sums, margins);
    }

    fn start(&self, sums: &mut Sums) {
        sums.totals.clear();
        sums.totals.resize(self.lanes, 0);
        sums.pairs.clear();
        sums.pairs.resize(self.lanes, 0);
        sums.exact.resize(self.lanes, 0.0);
        if sums.rare.bank != self.number {
            sums.rare.bank = self.number;
            sums.rare.keys = vec![0; RARE];
            sums.rare.sums = vec![0; RARE * self.lanes];
        }
    }

    fn finish(&self, tokens: usize, sums: &Sums, margins: &mut Vec<f32>) {
        let factor = text_factor(tokens);
        margins.clear();
        margins.extend(
            sums.totals
                .iter()
                .zip(&self.scale)
                .zip(&self.bias)
                .map(|((total, scale), bias)| *total as f32 * scale * factor + bias),
        );
    }

    /// [`Bank::add_tokens`] compiled for AVX2: the same integers, four times as fast.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn add_tokens_wide(&self, text: &TokenBuffer, range: Range<usize>, sums: &mut Sums) {
        self.add_tokens(text, range, sums);
    }

    /// Reads the tables in three rounds: where a value lies is known a round before it is needed,
    /// so that the processor fetches many of them at the same time.
    #[inline(always)]
    fn add_tokens(&self, text: &TokenBuffer, range: Range<usize>, sums: &mut Sums) {
        let tokens = &text.tokens[range];
        for (at, token) in tokens.iter().enumerate() {
            self.known.fetch_place(token);
            if at > 0 {
                let pair = pair_feature(&tokens[at - 1], token);
                self.tables
                    .iter()
                    .filter(|table| table.pairs)
                    .for_each(|table| table.fetch(pair));
            }
        }
        sums.rows.clear();
        for token in tokens {
            let row = self.known.find(token);
            if let Some(row) = row {
                fetch(self.known.row(row, self.lanes));
            }
            sums.rows.push(row);
        }
        for (at, token) in tokens.iter().enumerate() {
            match sums.rows[at] {
                Some(row) => add(&mut sums.totals, self.known.row(row, self.lanes)),
                None => self.add_rare(token, text.spelling(token), sums),
            }
            if at > 0 {
                self.add_pair(pair_feature(&tokens[at - 1], token), &mut sums.pairs);
                if at % PAIRS_AT_ONCE == 0 {
                    add_pairs(&mut sums.totals, &mut sums.pairs);
                }
            }
        }
        add_pairs(&mut sums.totals, &mut sums.pairs);
    }

    #[inline(always)]
    fn add_pair(&self, hash: u64, pairs: &mut [i16]) {
        for table in self.tables.iter().filter(|table| table.pairs) {
            let row = table.row(hash);
            for (sum, weight) in pairs[table.lanes.clone()].iter_mut().zip(row) {
                *sum += i16::from(*weight);
            }
        }
    }

    #[inline(always)]
    fn add_rare(&self, token: &Token, spelling: &[u8], sums: &mut Sums) {
        let Sums {
            totals,
            exact,
            rare,
            ..
        } = sums;
        // A key of 0 means a free place; no word has it but with a chance of 2^-64.
        let key = Known::key(token);
        let place = key as usize & (RARE - 1);
        let kept = &mut rare.sums[place * self.lanes..(place + 1) * self.lanes];
        if rare.keys[place] != key {
            rare.keys[place] = key;
            self.word_sums(token, spelling, exact, kept);
        }
        add(totals, kept);
    }

    /// What one word adds to every lane.
    #[inline(always)]
    fn word_sums(&self, token: &Token, spelling: &[u8], exact: &mut [f32], word: &mut [i16]) {
        word_features(
            token.hash,
            spelling,
            token.kind,
            token.negated,
            |hash, _| {
                self.tables.iter().for_each(|table| table.fetch(hash));
            },
        );
        exact.fill(0.0);
        word_features(
            token.hash,
            spelling,
            token.kind,
            token.negated,
            |hash, weight| {
                for table in &self.tables {
                    let row = table.row(hash);
                    for (sum, stored) in exact[table.lanes.clone()].iter_mut().zip(row) {
                        *sum += f32::from(*stored) * weight;
                    }
                }
            },
        );
        for (kept, sum) in word.iter_mut().zip(exact.iter()) {
            // Half up, saturating.
            *kept = (sum * STEPS + 0.5).floor().clamp(-32_768.0, 32_767.0) as i16;
        }
    }

    fn learn(&mut self, vocabulary: &str) {
        let mut known = Known::with_room(vocabulary.lines().count() * 2);
        let mut exact = vec![0.0; self.lanes];
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
            if spelling.is_empty() || known.find(&token).is_some() {
                continue;
            }
            self.word_sums(&token, spelling.as_bytes(), &mut exact, &mut word);
            known.insert(&token, &word);
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

#[inline(always)]
fn add(totals: &mut [i32], row: &[i16]) {
    for (total, value) in totals.iter_mut().zip(row) {
        *total += i32::from(*value);
    }
}

#[inline(always)]
fn add_pairs(totals: &mut [i32], pairs: &mut [i16]) {
    for (total, pair) in totals.iter_mut().zip(pairs) {
        *total += i32::from(*pair) * PAIR_STEPS;
        *pair = 0;
    }
}

/// The frozen table of known words: open addressing over the words' hashes.
#[derive(Debug, Default)]
struct Known {
    keys: Vec<(u64, u32)>,
    sums: Vec<i16>,
    rows: u32,
}

const FREE: u32 = u32::MAX;

impl Known {
    fn with_room(words: usize) -> Known {
        let places = (words * 2).next_power_of_two().max(16);
        Known {
            keys: vec![(0, FREE); places],
            sums: Vec::new(),
            rows: 0,
        }
    }

    fn key(token: &Token) -> u64 {
        token.hash
            ^ if token.negated {
                0xa076_1d64_78bd_642f
            } else {
                0
            }
    }

    #[inline(always)]
    fn fetch_place(&self, token: &Token) {
        let at = Known::key(token) as usize & self.keys.len().wrapping_sub(1);
        fetch(self.keys.get(at..at + 1).unwrap_or_default());
    }

    #[inline(always)]
    fn find(&self, token: &Token) -> Option<u32> {
        let key = Known::key(token);
        let mask = self.keys.len().wrapping_sub(1);
        let mut at = key as usize & mask;
        while let Some((kept, row)) = self.keys.get(at) {
            if *row == FREE {
                return None;
            }
            if *kept == key {
                return Some(*row);
            }
            at = (at + 1) & mask;
        }
        None
    }

    fn row(&self, row: u32, lanes: usize) -> &[i16] {
        &self.sums[row as usize * lanes..][..lanes]
    }

    fn insert(&mut self, token: &Token, sums: &[i16]) {
        let key = Known::key(token);
        let mask = self.keys.len() - 1;
        let mut at = key as usize & mask;
        while self.keys[at].1 != FREE {
            at = (at + 1) & mask;
        }
        self.keys[at] = (key, self.rows);
        self.rows += 1;
        self.sums.extend_from_slice(sums);
    }
}
