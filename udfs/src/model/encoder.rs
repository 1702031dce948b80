//! The encoder of sentences: a text as a vector of unit length, near to those of like meaning.
//!
//! A student of a larger encoder (`encoder/distil.py` teaches it). Each word has a vector; a
//! convolution over three words with a rectifier sees its neighbours; the sums over the words and
//! the maximum of the convolution go through one linear layer. What a word gives to its own place
//! and to those before and behind it is computed once and remembered: reading a text adds rows.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ModelError;
use super::bytes::{hash_bytes, mix};
use super::format::hex;
use super::text::TokenBuffer;

const MAGIC: &[u8; 8] = b"VBENCODE";
const VERSION: u32 = 1;
const DIGEST: usize = 32;
/// Character grams in bytes of a word that is not in the vocabulary.
const GRAM_LENGTHS: std::ops::RangeInclusive<usize> = 3..=4;
/// Bytes of a word that its grams cover.
const GRAM_BYTES: usize = 24;
/// Tokens of a text that are read; the student was taught with at most forty.
const MOST_TOKENS: usize = 256;
/// The commonest words, whose rows are computed once for all threads: 4 KiB each.
const SHARED: usize = 8192;
/// Other words that a thread remembers; a power of two.
const REMEMBERED: usize = 2048;

/// The sizes of an encoder and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EncoderHeader {
    /// Numbers of a word's vector.
    pub width: usize,
    /// Filters of the convolution.
    pub filters: usize,
    /// Numbers of a text's vector.
    pub output: usize,
    /// Rows for the grams of words that are not in the vocabulary.
    pub buckets: usize,
    /// Words of the vocabulary.
    pub words: usize,
    /// The encoder that taught it.
    pub teacher: String,
    /// Mean cosine to the teacher's vectors on texts that it was not taught with.
    pub held_out_cosine: f64,
}

/// A parsed weight file.
#[derive(Debug)]
pub struct Encoder {
    header: EncoderHeader,
    id: String,
    /// The row of each word of the vocabulary, by the hash of its spelling.
    words: HashMap<u64, u32>,
    /// One step of each row of `steps`.
    scale: Vec<f32>,
    /// A row of `width` steps for each word, then for each bucket.
    steps: Vec<i8>,
    /// From a word's vector to what it gives to the place behind it, to its own and to the one
    /// before it: `width` rows of three times `filters` numbers.
    filters: Vec<f32>,
    filters_bias: Vec<f32>,
    /// `width` + 2 · `filters` rows of `output` numbers.
    output: Vec<f32>,
    output_bias: Vec<f32>,
    /// The rows of the first words of the vocabulary, which has the commonest first; made when a
    /// text has the word.
    common: Vec<OnceLock<Box<[f32]>>>,
    /// The processor has AVX2.
    #[cfg(target_arch = "x86_64")]
    wide: bool,
}

/// The reusable memory of one thread.
#[derive(Debug, Default)]
pub(crate) struct EncoderMemory {
    /// The words remembered: one place a hash, the last one wins.
    keys: Vec<u64>,
    /// Of each of them its vector and what it gives to the three places.
    rows: Vec<f32>,
    places: Vec<Place>,
    found: Vec<f32>,
    pooled: Vec<f32>,
}

/// Where the row of a word is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    /// Among the common words' rows.
    Common(usize),
    /// In the memory of the thread.
    Remembered(usize),
}

impl Encoder {
    /// The encoder that is compiled in; parsed at the first call.
    pub fn shipped() -> &'static Encoder {
        static SHIPPED: OnceLock<Encoder> = OnceLock::new();
        SHIPPED.get_or_init(|| {
            match Encoder::parse(include_bytes!("../../weights/encoder.bin")) {
                Ok(encoder) => encoder,
                // The file is part of the binary and a test parses it.
                Err(error) => unreachable!("the compiled-in encoder is damaged: {error}"),
            }
        })
    }

    /// Reads a weight file and checks its hash and shape.
    ///
    /// # Errors
    /// A damaged file, or one of another version.
    pub fn parse(bytes: &[u8]) -> Result<Encoder, ModelError> {
        let wrong = |what: &str| ModelError::Weights(format!("encoder: {what}"));
        let (body, digest) = bytes
            .len()
            .checked_sub(DIGEST)
            .and_then(|end| bytes.split_at_checked(end))
            .ok_or_else(|| wrong("file is cut off"))?;
        if Sha256::digest(body).as_slice() != digest {
            return Err(wrong("hash does not match: the file is damaged"));
        }
        let mut reader = Reader { body, at: 0 };
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(wrong("not the weights of an encoder"));
        }
        if reader.number()? != VERSION {
            return Err(wrong("the file is of another version"));
        }
        let (header, names) = (reader.number()? as usize, reader.number()? as usize);
        let header: EncoderHeader = serde_json::from_slice(reader.take(header)?)
            .map_err(|error| wrong(&format!("header: {error}")))?;
        let names = reader.take(names)?;
        reader.at = reader.at.next_multiple_of(4);
        let rows = header.words.saturating_add(header.buckets);
        let pooled = header
            .width
            .saturating_add(header.filters.saturating_mul(2));
        let scale = reader.floats(rows)?;
        let steps = reader.take(rows.saturating_mul(header.width))?;
        let steps = steps.iter().map(|step| *step as i8).collect();
        let by_place = reader.floats(3 * header.width.saturating_mul(header.filters))?;
        let filters_bias = reader.floats(header.filters)?;
        let by_output = reader.floats(header.output.saturating_mul(pooled))?;
        let output_bias = reader.floats(header.output)?;
        let sizes = [header.width, header.filters, header.output, header.buckets];
        if reader.at != body.len() || sizes.contains(&0) {
            return Err(wrong("header and weights do not fit together"));
        }
        let words: HashMap<u64, u32> = names
            .split(|byte| *byte == b'\n')
            .zip(0..)
            .map(|(name, row)| (hash_bytes(name), row))
            .collect();
        if words.len() != header.words {
            return Err(wrong("the vocabulary has another number of words"));
        }
        let (width, filters) = (header.width, header.filters);
        let mut joined = Vec::with_capacity(by_place.len());
        for at in 0..width {
            for place in 0..3 {
                let row = (place * width + at) * filters;
                joined.extend_from_slice(&by_place[row..row + filters]);
            }
        }
        let mut output = Vec::with_capacity(by_output.len());
        for at in 0..pooled {
            output.extend((0..header.output).map(|row| by_output[row * pooled + at]));
        }
        Ok(Encoder {
            id: hex(&digest[..8]),
            words,
            scale,
            steps,
            filters: joined,
            filters_bias,
            output,
            output_bias,
            common: std::iter::repeat_with(OnceLock::new)
                .take(header.words.min(SHARED))
                .collect(),
            header,
            #[cfg(target_arch = "x86_64")]
            wide: is_x86_feature_detected!("avx2"),
        })
    }

    /// The identity: 16 hexadecimal digits over the whole file.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Sizes and origin.
    pub fn header(&self) -> &EncoderHeader {
        &self.header
    }

    /// Numbers of a text's vector.
    pub fn dimensions(&self) -> usize {
        self.header.output
    }

    /// The vector of a text, of length 1; all 0 for a text without tokens.
    pub(crate) fn read(
        &self,
        text: &TokenBuffer,
        memory: &mut EncoderMemory,
        vector: &mut Vec<f32>,
    ) {
        #[cfg(target_arch = "x86_64")]
        if self.wide {
            // SAFETY: `wide` is set only where the processor has AVX2.
            return unsafe { self.read_wide(text, memory, vector) };
        }
        self.read_here(text, memory, vector);
    }

    /// [`Encoder::read_here`] compiled for AVX2: the same numbers, sooner.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn read_wide(&self, text: &TokenBuffer, memory: &mut EncoderMemory, vector: &mut Vec<f32>) {
        self.read_here(text, memory, vector);
    }

    #[inline(always)]
    fn read_here(&self, text: &TokenBuffer, memory: &mut EncoderMemory, vector: &mut Vec<f32>) {
        vector.clear();
        let tokens = &text.tokens[..text.tokens.len().min(MOST_TOKENS)];
        if tokens.is_empty() {
            vector.resize(self.header.output, 0.0);
            return;
        }
        let (width, filters) = (self.header.width, self.header.filters);
        let row_width = width + 3 * filters;
        if memory.keys.is_empty() {
            memory.keys = vec![0; REMEMBERED];
            memory.rows = vec![0.0; REMEMBERED * row_width];
        }
        let EncoderMemory {
            keys,
            rows,
            places,
            found,
            pooled,
        } = memory;
        pooled.clear();
        pooled.resize(width + 2 * filters, 0.0);
        let (sum, of_filters) = pooled.split_at_mut(width);
        let (total, most) = of_filters.split_at_mut(filters);
        // Two words of one place cannot both stay while a text is read: the second one's row is
        // computed aside, behind the last place.
        places.clear();
        for token in tokens {
            let word = self.words.get(&token.hash).copied();
            if let Some(common) = word.and_then(|word| self.common.get(word as usize)) {
                common.get_or_init(|| {
                    let mut row = vec![0.0; row_width].into_boxed_slice();
                    self.word(word, &[], &mut row);
                    row
                });
                places.push(Place::Common(word.unwrap_or_default() as usize));
                continue;
            }
            let place = token.hash as usize & (REMEMBERED - 1);
            if keys[place] == token.hash {
                places.push(Place::Remembered(place));
                continue;
            }
            let place = if places.contains(&Place::Remembered(place)) {
                rows.resize(rows.len() + row_width, 0.0);
                rows.len() / row_width - 1
            } else {
                keys[place] = token.hash;
                place
            };
            let row = &mut rows[place * row_width..][..row_width];
            self.word(word, text.spelling(token), row);
            places.push(Place::Remembered(place));
        }
        let row = |at: usize| match places[at] {
            Place::Common(word) => self.common[word].get().map_or(&[][..], |row| row),
            Place::Remembered(place) => &rows[place * row_width..][..row_width],
        };
        for at in 0..tokens.len() {
            let here = row(at);
            for (sum, value) in sum.iter_mut().zip(here) {
                *sum += value;
            }
            found.clear();
            found.extend_from_slice(&self.filters_bias);
            add(found, &here[width + filters..][..filters]);
            if at > 0 {
                add(found, &row(at - 1)[width..][..filters]);
            }
            if at + 1 < tokens.len() {
                add(found, &row(at + 1)[width + 2 * filters..][..filters]);
            }
            for ((total, most), value) in total.iter_mut().zip(most.iter_mut()).zip(found.iter()) {
                let value = value.max(0.0);
                *total += value;
                *most = most.max(value);
            }
        }
        let root = (tokens.len() as f32).sqrt();
        for value in sum.iter_mut().chain(total) {
            *value /= root;
        }
        rows.truncate(REMEMBERED * row_width);
        vector.extend_from_slice(&self.output_bias);
        let output = self.output.chunks_exact(self.header.output);
        for (value, weights) in pooled.iter().zip(output) {
            // A filter that found nothing has nothing to say.
            if *value != 0.0 {
                add_times(vector, weights, *value);
            }
        }
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        if length > 0.0 {
            vector.iter_mut().for_each(|value| *value /= length);
        }
    }

    /// The vector of a word, by its place in the vocabulary or its spelling, and what it gives to the
    /// places behind it, of its own, before it.
    #[inline(always)]
    fn word(&self, word: Option<u32>, spelling: &[u8], row: &mut [f32]) {
        row.fill(0.0);
        let (vector, given) = row.split_at_mut(self.header.width);
        if let Some(word) = word {
            self.add_row(word as usize, 1.0, vector);
        } else {
            let mut count = 0;
            grams(spelling, |_| count += 1);
            let weight = 1.0 / (count as f32).sqrt();
            grams(spelling, |gram| {
                let bucket = (gram % self.header.buckets as u64) as usize;
                self.add_row(self.header.words + bucket, weight, vector);
            });
        }
        let filters = self.filters.chunks_exact(3 * self.header.filters);
        for (value, weights) in vector.iter().zip(filters) {
            add_times(given, weights, *value);
        }
    }

    #[inline(always)]
    fn add_row(&self, row: usize, weight: f32, vector: &mut [f32]) {
        let width = self.header.width;
        let factor = self.scale[row] * weight;
        let steps = &self.steps[row * width..][..width];
        for (value, step) in vector.iter_mut().zip(steps) {
            *value += f32::from(*step) * factor;
        }
    }
}

#[inline(always)]
fn add(sums: &mut [f32], values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}

#[inline(always)]
fn add_times(sums: &mut [f32], values: &[f32], factor: f32) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value * factor;
    }
}

/// The hashes of a word's grams; a word shorter than any is one gram.
#[inline(always)]
fn grams(spelling: &[u8], mut emit: impl FnMut(u64)) {
    let mut padded = [b'_'; GRAM_BYTES + 2];
    let length = spelling.len().min(GRAM_BYTES);
    padded[1..=length].copy_from_slice(&spelling[..length]);
    let padded = &padded[..length + 2];
    for length in GRAM_LENGTHS {
        for gram in padded.windows(length) {
            let mut bytes = [0; 8];
            bytes[..length].copy_from_slice(gram);
            bytes[7] = length as u8;
            emit(mix(u64::from_le_bytes(bytes)));
        }
    }
    if padded.len() < *GRAM_LENGTHS.start() {
        let mut bytes = [0; 8];
        bytes[..padded.len()].copy_from_slice(padded);
        emit(mix(u64::from_le_bytes(bytes)));
    }
}

/// Reads a file from its begin.
struct Reader<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], ModelError> {
        let end = self.at.checked_add(length);
        let taken = end.and_then(|end| self.body.get(self.at..end));
        self.at = end.unwrap_or(self.at);
        taken.ok_or_else(|| ModelError::Weights("encoder: file is cut off".to_owned()))
    }

    fn number(&mut self) -> Result<u32, ModelError> {
        let bytes = self.take(4)?;
        Ok(bytes
            .first_chunk()
            .map_or(0, |bytes| u32::from_le_bytes(*bytes)))
    }

    fn floats(&mut self, count: usize) -> Result<Vec<f32>, ModelError> {
        let bytes = self.take(count.saturating_mul(4))?;
        let (words, _) = bytes.as_chunks::<4>();
        Ok(words.iter().map(|word| f32::from_le_bytes(*word)).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::model::sentence::{cosine, vector};

    const SHIPPED: &[u8] = include_bytes!("../../weights/encoder.bin");

    fn near(left: &str, right: &str) -> f32 {
        cosine(&vector(left).unwrap(), &vector(right).unwrap())
    }

    #[test]
    fn a_damaged_file_is_refused() {
        assert!(Encoder::parse(SHIPPED).is_ok());
        for length in [0, 8, 40, SHIPPED.len() / 2, SHIPPED.len() - 1] {
            assert!(Encoder::parse(&SHIPPED[..length]).is_err(), "{length}");
        }
        let mut bytes = SHIPPED.to_vec();
        bytes[SHIPPED.len() / 2] ^= 1;
        assert!(Encoder::parse(&bytes).is_err());
        // A file whose hash is right and whose sizes are not.
        let mut body = SHIPPED[..SHIPPED.len() - DIGEST - 4].to_vec();
        body.extend_from_slice(&Sha256::digest(&body));
        assert!(Encoder::parse(&body).is_err());
    }

    #[test]
    fn a_vector_has_length_one_and_does_not_depend_on_what_was_read_before() {
        let text = "my parcel has not come and nobody answers";
        let first = vector(text).unwrap();
        let length: f32 = first.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-5, "{length}");
        for number in 0..6_000 {
            vector(&format!("word{number} qwert{number}zuiop")).unwrap();
        }
        assert_eq!(vector(text).unwrap(), first);
        assert_eq!(vector("…"), None);
    }

    #[test]
    fn words_that_share_a_place_are_told_apart() {
        // More different words than are remembered: some of them share a place within the text.
        let words: Vec<String> = (0..200).map(|n| format!("x{}", n * 37)).collect();
        let text = words.join(" ");
        let once = vector(&text).unwrap();
        assert_eq!(vector(&text).unwrap(), once);
    }

    #[test]
    fn like_meanings_are_near() {
        for (text, like, other) in [
            (
                "where is my parcel",
                "my package has not arrived yet",
                "how do i reset my password",
            ),
            (
                "i forgot my pin",
                "i can't remember my passcode",
                "what is the weather tomorrow",
            ),
            (
                "please cancel my order",
                "i don't want what i ordered any more",
                "thanks, that was quick",
            ),
        ] {
            let (like, other) = (near(text, like), near(text, other));
            assert!(like > other + 0.15, "{text}: {like} and {other}");
        }
        // A slip of the pen leaves a word near to what it was.
        assert!(near("refund my order", "refnud my order") > 0.6);
    }
}
