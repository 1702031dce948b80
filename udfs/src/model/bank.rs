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
use super::features::{
    KnownPairs, PAIR_STEPS, STEPS, WORD_WEIGHT, pair_feature, text_factor, word_features,
};
use super::format::Head;
use super::text::{Kind, Token, TokenBuffer};

/// Lanes come in groups of this many, so that the adding loop has no rest.
const LANE_GROUP: usize = 16;

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
struct Table {
    bits: u32,
    pairs: bool,
    lanes: Range<usize>,
    /// Of each of the 2^bits rows its place among `weights`, where only some of them are there: row
    /// 0 stands for all others.
    places: Vec<u32>,
    /// Rows from `start` on, which lies at a cache line.
    weights: Vec<i8>,
    start: usize,
}

/// Where the classes of a head lie.
#[derive(Debug)]
struct Place {
    /// Among the sums of a bank.
    sums: usize,
    /// Among the margins of a text.
    margins: Lanes,
}

/// Some heads side by side.
#[derive(Debug)]
pub(crate) struct Bank {
    /// Tells banks apart: a thread's memory of rare words belongs to one of them.
    number: u64,
    tables: Vec<Table>,
    places: Vec<Place>,
    lanes: usize,
    scale: Vec<f32>,
    bias: Vec<f32>,
    known: Known,
    pairs: Option<Arc<KnownPairs>>,
    /// Margins of a text: those of heads that are not in the bank are 0.
    margins: usize,
    /// The processor has AVX2.
    #[cfg(target_arch = "x86_64")]
    wide: bool,
}

impl Table {
    #[inline(always)]
    fn row(&self, hash: u64) -> &[i8] {
        let width = self.lanes.len();
        let mut row = (hash >> (64 - self.bits)) as usize;
        if let Some(place) = self.places.get(row) {
            row = *place as usize;
        }
        let start = self.start + row * width;
        &self.weights[start..start + width]
    }

    #[inline(always)]
    fn fetch(&self, hash: u64) {
        fetch(self.row(hash));
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

/// Asks the processor for the cache lines of a row without waiting for them.
#[inline(always)]
fn fetch<T>(row: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let mut line = 0;
        while line < size_of_val(row) {
            // SAFETY: the address lies inside `row`; a prefetch reads nothing into the program.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(row.as_ptr().cast::<i8>().add(line)) };
            line += CACHE_LINE;
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
    words: Vec<i16>,
    pairs: Vec<i16>,
    grams: Vec<i16>,
    rows: Vec<Option<u32>>,
    neighbours: Vec<u64>,
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
const RARE: usize = 32_768;
/// Tokens whose sums add up without leaving 16 bits: 16 · 2,047 is the most of words, 16 · 128 of
/// pairs.
const TOKENS_AT_ONCE: usize = 16;
/// A word's sum in steps of [`WORD_STEPS`] goes no further: sixteen times the largest weight.
const MOST_OF_A_WORD: f32 = 2_047.0;
/// A word's sum is kept in steps of one part in this many of a stored weight.
const WORD_STEPS: f32 = 4.0;
/// A word's step in the steps of a total, see [`STEPS`].
const WORD_FACTOR: i32 = (STEPS / WORD_STEPS) as i32;

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
            let mut weights = vec![0i8; width * rows + CACHE_LINE];
            let aligned = weights.as_ptr().align_offset(CACHE_LINE).min(CACHE_LINE);
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
            bank.lanes = start + width;
            bank.scale.resize(bank.lanes, 0.0);
            bank.bias.resize(bank.lanes, 0.0);
            bank.tables.push(Table {
                bits,
                pairs: reads_pairs,
                lanes: start..bank.lanes,
                places: of_rows,
                weights,
                start: aligned,
            });
        }
        bank.learn(vocabulary);
        bank
    }

    /// Margins that a text gets: one a class of every head.
    pub(crate) fn margins(&self) -> usize {
        self.margins
    }

    /// Sums up the words of a text; `margins` gets one value a class of every head.
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
        for sixteen_bits in [&mut sums.words, &mut sums.pairs] {
            sixteen_bits.clear();
            sixteen_bits.resize(self.lanes, 0);
        }
        sums.grams.resize(self.lanes, 0);
        if sums.rare.bank != self.number {
            sums.rare.bank = self.number;
            sums.rare.keys = vec![0; RARE];
            sums.rare.sums = vec![0; RARE * self.lanes];
        }
    }

    fn finish(&self, tokens: usize, sums: &Sums, margins: &mut Vec<f32>) {
        let factor = text_factor(tokens);
        margins.clear();
        margins.resize(self.margins, 0.0);
        for place in &self.places {
            let sums = &sums.totals[place.sums..];
            let scale = &self.scale[place.sums..];
            let bias = &self.bias[place.sums..];
            let margins = &mut margins[place.margins.clone()];
            for (((margin, total), scale), bias) in
                margins.iter_mut().zip(sums).zip(scale).zip(bias)
            {
                *margin = *total as f32 * scale * factor + bias;
            }
        }
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
        sums.neighbours.clear();
        for (at, token) in tokens.iter().enumerate() {
            self.known.fetch_place(token);
            if at > 0 {
                let pair = pair_feature(&tokens[at - 1], token);
                if self.pairs.as_ref().is_none_or(|known| known.may_hold(pair)) {
                    sums.neighbours.push(pair);
                    self.tables
                        .iter()
                        .filter(|table| table.pairs)
                        .for_each(|table| table.fetch(pair));
                }
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
        for (nth, token) in tokens.iter().enumerate() {
            match sums.rows[nth] {
                Some(row) => add(&mut sums.words, self.known.row(row, self.lanes)),
                None => self.add_rare(token, text.spelling(token), sums),
            }
            if let Some(pair) = sums.neighbours.get(nth) {
                self.add_pair(*pair, &mut sums.pairs);
            }
            if nth % TOKENS_AT_ONCE == TOKENS_AT_ONCE - 1 {
                sums.total();
            }
        }
        sums.total();
    }

    #[inline(always)]
    fn add_pair(&self, hash: u64, pairs: &mut [i16]) {
        for table in self.tables.iter().filter(|table| table.pairs) {
            add_weights(&mut pairs[table.lanes.clone()], table.row(hash));
        }
    }

    #[inline(always)]
    fn add_rare(&self, token: &Token, spelling: &[u8], sums: &mut Sums) {
        let Sums {
            words, grams, rare, ..
        } = sums;
        // A key of 0 means a free place; no word has it but with a chance of 2^-64.
        let key = Known::key(token);
        let place = key as usize & (RARE - 1);
        let kept = &mut rare.sums[place * self.lanes..(place + 1) * self.lanes];
        if rare.keys[place] != key {
            rare.keys[place] = key;
            self.word_sums(token, spelling, grams, kept);
        }
        add(words, kept);
    }

    /// What one word adds to every lane.
    #[inline(always)]
    fn word_sums(&self, token: &Token, spelling: &[u8], grams: &mut [i16], word: &mut [i16]) {
        word_features(
            token.hash,
            spelling,
            token.kind,
            token.negated,
            |hash, _| {
                self.tables.iter().for_each(|table| table.fetch(hash));
            },
        );
        // All grams of a word weigh the same, so that their sum is one of integers: at most 90 grams
        // of at most 128.
        let mut gram_weight = 0.0;
        word.fill(0);
        grams.fill(0);
        word_features(
            token.hash,
            spelling,
            token.kind,
            token.negated,
            |hash, weight| {
                let sums = if weight == WORD_WEIGHT {
                    &mut *word
                } else {
                    gram_weight = weight;
                    &mut *grams
                };
                for table in &self.tables {
                    add_weights(&mut sums[table.lanes.clone()], table.row(hash));
                }
            },
        );
        for (kept, grams) in word.iter_mut().zip(grams.iter()) {
            let exact = f32::from(*kept) + f32::from(*grams) * gram_weight;
            // Half up, saturating.
            *kept = (exact * WORD_STEPS + 0.5)
                .floor()
                .clamp(-MOST_OF_A_WORD, MOST_OF_A_WORD) as i16;
        }
    }

    fn learn(&mut self, vocabulary: &str) {
        let mut known = Known::with_room(vocabulary.lines().count() * 2);
        let mut grams = vec![0; self.lanes];
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
            self.word_sums(&token, spelling.as_bytes(), &mut grams, &mut word);
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
fn add(sums: &mut [i16], row: &[i16]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum = sum.wrapping_add(*value);
    }
}

#[inline(always)]
fn add_weights(sums: &mut [i16], row: &[i8]) {
    for (sum, weight) in sums.iter_mut().zip(row) {
        *sum = sum.wrapping_add(i16::from(*weight));
    }
}

impl Sums {
    /// Moves what 16 bits have gathered into the totals.
    #[inline(always)]
    fn total(&mut self) {
        let gathered = self.words.iter_mut().zip(&mut self.pairs);
        for (total, (word, pair)) in self.totals.iter_mut().zip(gathered) {
            *total += i32::from(*word) * WORD_FACTOR + i32::from(*pair) * PAIR_STEPS;
            *word = 0;
            *pair = 0;
        }
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
