//! What the tokens of a text add to the lanes of a bank.
//!
//! A text is read in rounds: where a value lies is known a round before it is needed, so that the
//! processor fetches many of them at the same time. Where the sums of the tokens lie is remembered:
//! a part of the text can be summed up once more, as if it stood alone.

use std::ops::Range;

use super::bank::{Bank, Lanes};
use super::features::{
    MOST_GRAMS, PAIR_STEPS, STEPS, WORD_WEIGHT, pair_feature, text_factor, word_features,
};
use super::known::Known;
use super::lanes::{add_rows, fetch, table_of};
use super::softmax::SLACK;
use super::text::{Token, TokenBuffer};

/// The reusable memory of one scoring thread and one bank.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    totals: Vec<i32>,
    words: Vec<i16>,
    pairs: Vec<i16>,
    grams: Vec<i16>,
    margins: Vec<f32>,
    /// Of each token of the text where its sums begin among the known ones; [`NOT_KNOWN`].
    rows: Vec<usize>,
    /// The pairs of neighbours that the heads know, each with the place of its second token.
    neighbours: Vec<(u64, usize)>,
    /// Of each token, and of the end, what the tokens before it add to a head of which parts are
    /// asked, and what the pair that it ends adds to it; empty until a part is asked.
    before: Vec<(PartSums, PartSums)>,
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

/// Classes at most of a head of which parts of a text are asked; as many as are added at once.
const CLASSES_OF_PARTS: usize = 4;
type PartSums = [i32; CLASSES_OF_PARTS];

const NOT_KNOWN: usize = usize::MAX;
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

impl Rare {
    /// The place of a word, and where its sums begin.
    #[inline(always)]
    fn place(key: u64, lanes: usize) -> (usize, usize) {
        let place = key as usize & (RARE - 1);
        (place, place * lanes)
    }

    /// Asks the processor for what is kept at the place of a word.
    #[inline(always)]
    fn fetch(&self, key: u64, lanes: usize) {
        let (place, start) = Rare::place(key, lanes);
        fetch(&self.keys[place..place + 1]);
        fetch(&self.sums[start..start + lanes]);
    }
}

impl Bank {
    /// Sums up the words of a text; `margins` gets one value a class of every head. What stands there
    /// for heads that are not in the bank, and behind the last one, says nothing.
    pub(crate) fn add_up(&self, text: &TokenBuffer, sums: &mut Sums, margins: &mut Vec<f32>) {
        sums.make_room(self);
        margins.resize(self.margins() + SLACK, 0.0);
        #[cfg(target_arch = "x86_64")]
        if self.is_wide() {
            // SAFETY: so the bank says where the processor has AVX2 only.
            return unsafe { self.add_up_wide(text, sums, margins) };
        }
        self.add_up_here(text, sums, margins);
    }

    /// [`Bank::add_up_here`] compiled for AVX2: the same integers, sooner.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn add_up_wide(&self, text: &TokenBuffer, sums: &mut Sums, margins: &mut [f32]) {
        self.add_up_here(text, sums, margins);
    }

    #[inline(always)]
    fn add_up_here(&self, text: &TokenBuffer, sums: &mut Sums, margins: &mut [f32]) {
        self.find(text, sums);
        self.add_tokens(text, sums);
        let factor = text_factor(text.tokens.len());
        let values = sums.margins.iter_mut().zip(&sums.totals);
        for ((value, total), (scale, bias)) in values.zip(self.scale.iter().zip(&self.bias)) {
            *value = *total as f32 * scale * factor + bias;
        }
        for place in &self.places {
            let classes = place.margins.len();
            margins[place.margins.clone()].copy_from_slice(&sums.margins[place.sums..][..classes]);
        }
    }

    /// Finds where the sums of the tokens and of their pairs lie.
    #[inline(always)]
    fn find(&self, text: &TokenBuffer, sums: &mut Sums) {
        let tokens = text.tokens.as_slice();
        sums.before.clear();
        sums.rows.resize(tokens.len(), NOT_KNOWN);
        sums.neighbours.resize(tokens.len(), (0, 0));
        let filter = self.pairs.as_deref();
        let mut pairs = 0;
        let mut left = None;
        for (at, token) in tokens.iter().enumerate() {
            self.known.fetch_place(Known::key(token));
            if let Some(left) = left {
                let pair = pair_feature(left, token.hash);
                // Without a branch: which pairs are known cannot be foreseen.
                sums.neighbours[pairs] = (pair, at);
                pairs += usize::from(filter.is_none_or(|known| known.may_hold(pair)));
            }
            left = Some(token.hash);
        }
        sums.neighbours.truncate(pairs);
        for table in self.tables.iter().filter(|table| table.pairs) {
            sums.neighbours
                .iter()
                .for_each(|(pair, _)| table.fetch(*pair));
        }
        for (row, token) in sums.rows.iter_mut().zip(tokens) {
            let key = Known::key(token);
            *row = match self.known.find(key) {
                Some(start) => {
                    self.known.fetch_row(start);
                    start
                }
                None => {
                    sums.rare.fetch(key, self.lanes);
                    NOT_KNOWN
                }
            };
        }
    }

    /// Adds all tokens to the totals.
    #[inline(always)]
    fn add_tokens(&self, text: &TokenBuffer, sums: &mut Sums) {
        sums.totals.fill(0);
        let mut starts = [0; TOKENS_AT_ONCE];
        for (nth, tokens) in text.tokens.chunks(TOKENS_AT_ONCE).enumerate() {
            let mut known = 0;
            for (token, at) in tokens.iter().zip(nth * TOKENS_AT_ONCE..) {
                match sums.rows[at] {
                    NOT_KNOWN => self.add_rare(token, text.spelling(token), sums),
                    start => {
                        starts[known] = start;
                        known += 1;
                    }
                }
            }
            add_rows(
                self.is_wide(),
                &mut sums.words,
                &self.known.sums,
                &starts[..known],
            );
            // There are no more pairs than tokens.
            let pairs = sums
                .neighbours
                .chunks(TOKENS_AT_ONCE)
                .nth(nth)
                .unwrap_or_default();
            for table in self.tables.iter().filter(|table| table.pairs) {
                for (start, (pair, _)) in starts.iter_mut().zip(pairs) {
                    *start = table.row_start(*pair);
                }
                let sums = &mut sums.pairs[table.lanes.clone()];
                add_rows(self.is_wide(), sums, &table.weights, &starts[..pairs.len()]);
            }
            sums.total();
        }
    }

    /// The margins of one head that a part of a text has, as if it stood alone. The whole text was
    /// added up last with the same memory; the head is the one whose first margin is `head.start`,
    /// is in the bank and has no more classes than there are margins.
    pub(crate) fn add_up_part(
        &self,
        text: &TokenBuffer,
        part: Range<usize>,
        head: &Lanes,
        sums: &mut Sums,
    ) -> [f32; CLASSES_OF_PARTS] {
        let place = self
            .places
            .iter()
            .find(|place| place.margins.start == head.start);
        let first = place.map_or(0, |place| place.sums);
        if sums.before.is_empty() {
            self.add_before(text, first, sums);
        }
        let factor = text_factor(part.len());
        let mut margins = [0.0; CLASSES_OF_PARTS];
        let ((start, pair), (end, _)) = (sums.before[part.start], sums.before[part.end]);
        for (class, margin) in margins.iter_mut().enumerate().take(head.len()) {
            // A pair belongs to a part with both of its words.
            let total = end[class] - start[class] - pair[class];
            *margin = total as f32 * self.scale[first + class] * factor + self.bias[first + class];
        }
        margins
    }

    /// Of each token what those before it add to the lanes from `first` on, and what its pair adds.
    fn add_before(&self, text: &TokenBuffer, first: usize, sums: &mut Sums) {
        let mut neighbours = 0;
        let mut total = [0; CLASSES_OF_PARTS];
        sums.before.reserve(text.tokens.len() + 1);
        for (at, token) in text.tokens.iter().enumerate() {
            let (rows, start) = match sums.rows[at] {
                NOT_KNOWN => {
                    let start = self.keep_rare(token, text.spelling(token), sums);
                    (&sums.rare.sums, start + first)
                }
                start => (&self.known.sums, start + first),
            };
            let word = rows[start..]
                .first_chunk()
                .unwrap_or(&[0; CLASSES_OF_PARTS]);
            let mut pair = [0; CLASSES_OF_PARTS];
            if let Some((hash, second)) = sums.neighbours.get(neighbours)
                && *second == at
            {
                neighbours += 1;
                for table in self.tables.iter().filter(|table| table.pairs) {
                    if table.lanes.contains(&first) {
                        let start = table.row_start(*hash) + first - table.lanes.start;
                        let weights = table.weights[start..].first_chunk();
                        let weights = weights.unwrap_or(&[0; CLASSES_OF_PARTS]);
                        for class in 0..CLASSES_OF_PARTS {
                            pair[class] = i32::from(weights[class]) * PAIR_STEPS;
                        }
                    }
                }
            }
            sums.before.push((total, pair));
            for class in 0..CLASSES_OF_PARTS {
                total[class] += i32::from(word[class]) * WORD_FACTOR + pair[class];
            }
        }
        sums.before.push((total, [0; CLASSES_OF_PARTS]));
    }

    #[inline(always)]
    fn add_rare(&self, token: &Token, spelling: &[u8], sums: &mut Sums) {
        let start = self.keep_rare(token, spelling, sums);
        add_rows(self.is_wide(), &mut sums.words, &sums.rare.sums, &[start]);
    }

    /// Where the sums of a rare word begin; they are computed where the thread does not have them.
    #[inline(always)]
    fn keep_rare(&self, token: &Token, spelling: &[u8], sums: &mut Sums) -> usize {
        let Sums { grams, rare, .. } = sums;
        // A key of 0 means a free place; no word has it but with a chance of 2^-64.
        let key = Known::key(token);
        let (place, start) = Rare::place(key, self.lanes);
        if rare.keys[place] != key {
            rare.keys[place] = key;
            self.word_sums(
                token,
                spelling,
                grams,
                &mut rare.sums[start..start + self.lanes],
            );
        }
        start
    }

    /// What one word adds to every lane.
    pub(super) fn word_sums(
        &self,
        token: &Token,
        spelling: &[u8],
        grams: &mut [i16],
        word: &mut [i16],
    ) {
        #[cfg(target_arch = "x86_64")]
        if self.is_wide() {
            // SAFETY: so the bank says where the processor has AVX2 only.
            return unsafe { self.word_sums_wide(token, spelling, grams, word) };
        }
        self.word_sums_here(token, spelling, grams, word);
    }

    /// [`Bank::word_sums_here`] compiled for AVX2: the same integers, sooner.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn word_sums_wide(&self, token: &Token, spelling: &[u8], grams: &mut [i16], word: &mut [i16]) {
        self.word_sums_here(token, spelling, grams, word);
    }

    #[inline(always)]
    fn word_sums_here(&self, token: &Token, spelling: &[u8], grams: &mut [i16], word: &mut [i16]) {
        // The word's own row, and those of its grams, which all weigh the same.
        let mut word_hash = 0;
        let mut hashes = [0; MOST_GRAMS];
        let mut count = 0;
        let mut gram_weight = 0.0;
        word_features(
            token.hash,
            spelling,
            token.kind,
            token.negated,
            |hash, weight| {
                self.tables.iter().for_each(|table| table.fetch(hash));
                if weight == WORD_WEIGHT {
                    word_hash = hash;
                } else if let Some(place) = hashes.get_mut(count) {
                    (*place, gram_weight) = (hash, weight);
                    count += 1;
                }
            },
        );
        // Sums of at most 90 integers of at most 128 each.
        let (own, grams) = grams.split_at_mut(self.room);
        own.fill(0);
        grams.fill(0);
        for table in &self.tables {
            let weights = &table.weights;
            let lanes = table.lanes.clone();
            let own = &mut own[lanes.clone()];
            add_rows(self.is_wide(), own, weights, &[table.row_start(word_hash)]);
            let mut starts = [0; MOST_GRAMS];
            for (start, hash) in starts.iter_mut().zip(&hashes[..count]) {
                *start = table.row_start(*hash);
            }
            add_rows(self.is_wide(), &mut grams[lanes], weights, &starts[..count]);
        }
        for ((kept, own), grams) in word.iter_mut().zip(own).zip(grams) {
            let exact = f32::from(*own) + f32::from(*grams) * gram_weight;
            // Half up, saturating.
            *kept = (exact * WORD_STEPS + 0.5)
                .floor()
                .clamp(-MOST_OF_A_WORD, MOST_OF_A_WORD) as i16;
        }
    }
}

impl Sums {
    fn make_room(&mut self, bank: &Bank) {
        if self.rare.bank == bank.number {
            return;
        }
        self.totals = vec![0; bank.lanes];
        self.margins = vec![0.0; bank.lanes];
        self.words = vec![0; bank.lanes];
        self.pairs = vec![0; bank.room];
        self.grams = vec![0; bank.room * 2];
        self.rare = Rare {
            bank: bank.number,
            keys: vec![0; RARE],
            sums: table_of(RARE * bank.lanes).0,
        };
    }

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
