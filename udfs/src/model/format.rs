//! The weight file of one head: header, weights, hash.
//!
//! `VERBATIM` · u32 version · u32 header length · header (JSON) · where `rows` says so, the u32
//! places of the rows that are there · i8 weights, row by row · where `sentences` says so, f32
//! weights of the encoder's vector, row by row · SHA-256 of everything before. Numbers are
//! little-endian.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::features::RECIPE;
use super::fourier::Fourier;
use super::onnx::PREFIX;
use super::{ModelError, OnnxKind};

const MAGIC: &[u8; 8] = b"VERBATIM";
const VERSION: u32 = 1;
const DIGEST: usize = 32;
const MAX_BITS: u32 = 20;

/// Everything about a head but its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadHeader {
    /// What the head decides: `sentiment`, `intent`, `topic`, `emotion`, `detect_language`.
    pub task: String,
    /// The recipe of the features that it was trained on.
    pub recipe: String,
    /// One label a class.
    pub labels: Vec<String>,
    /// The table has 2 to the power of `bits` rows.
    pub bits: u32,
    /// Rows of the table that are in the file, the others being 0; `None`: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
    /// Whether the head reads pairs of neighbouring words.
    pub pairs: bool,
    /// How the head reads the vector of the whole text; `None`: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentences: Option<Sentences>,
    /// Seed of the training.
    pub seed: u64,
    /// Weight of one step of the stored integers, one a class.
    pub scale: Vec<f32>,
    /// Constant of each class.
    pub bias: Vec<f32>,
    /// Slope of the margins before the softmax.
    pub slope: f32,
    /// Offset of each class before the softmax.
    pub offsets: Vec<f32>,
    /// Probability below which the head says nothing.
    pub threshold: f32,
    /// Probability of each class from which it is named, where every class is a decision of its own;
    /// empty where the classes exclude each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<f32>,
    /// The data that it was trained on.
    pub trained_on: Vec<TrainingSource>,
    /// Figures on rows that it was not trained on.
    pub held_out: BTreeMap<String, f64>,
}

/// How a head reads the vector that the encoder makes of a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sentences {
    /// Identity of the encoder.
    pub encoder: String,
    /// Numbers of a vector.
    pub width: usize,
    /// Random Fourier features that the head reads in the vector's place; 0: it reads the vector.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fourier: usize,
    /// Whether they are the logits of a classifier of one's own, which decide by themselves.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub logits: bool,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Sentences {
    /// Numbers that the head reads.
    pub(crate) fn numbers(&self) -> usize {
        match self.fourier {
            0 => self.width,
            features => features,
        }
    }

    /// Whether the features are whole blocks, of a vector that an encoder can have.
    fn is_whole(&self) -> bool {
        const MOST: usize = 1 << 16;
        self.fourier == 0
            || (self.width <= MOST
                && self.fourier <= MOST
                && self
                    .fourier
                    .is_multiple_of(2 * self.width.max(2).next_power_of_two()))
    }

    /// What makes them of the vector; `None`: they are the vector.
    pub(crate) fn features(&self) -> Option<Fourier> {
        (self.fourier > 0).then(|| Fourier::new(self.width, self.fourier))
    }

    /// The ONNX graph that makes the vectors; `None` where it is an encoder of the program.
    pub fn onnx(&self) -> Option<(&str, OnnxKind)> {
        let kind = match self.logits {
            true => OnnxKind::Classifier,
            false => OnnxKind::Encoder,
        };
        let id = self.encoder.as_str();
        id.starts_with(PREFIX).then_some((id, kind))
    }
}

/// A data set behind a head, with its licence and the credit that it asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingSource {
    /// Name of the set.
    pub name: String,
    /// Licence of the set.
    pub licence: String,
    /// Who made it.
    pub credit: String,
    /// Rows of it that were used.
    pub rows: usize,
}

/// A parsed weight file.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// Labels, recipe, calibration.
    pub header: HeadHeader,
    /// Rows of one weight a class: 2^bits, or those of `places`.
    pub(crate) weights: Vec<i8>,
    /// Where the table's rows lie, ascending; empty where all rows are there.
    pub(crate) places: Vec<u32>,
    /// A row of one weight a class for each number of the encoder's vector, or nothing.
    pub(crate) sentences: Vec<f32>,
    /// Hex of the first 8 bytes of the file's hash.
    pub(crate) id: String,
}

impl Head {
    /// A head of a whole table.
    pub(crate) fn new(header: HeadHeader, weights: Vec<i8>) -> Result<Head, ModelError> {
        Head::of_parts(header, weights, Vec::new(), Vec::new())
    }

    /// A head of the rows of `places` and of weights for the encoder's vector.
    pub(crate) fn of_parts(
        header: HeadHeader,
        weights: Vec<i8>,
        places: Vec<u32>,
        sentences: Vec<f32>,
    ) -> Result<Head, ModelError> {
        let mut head = Head {
            header,
            weights,
            places,
            sentences,
            id: String::new(),
        };
        let bytes = head.encode()?;
        head.id = hex(&bytes[bytes.len() - DIGEST..][..8]);
        Ok(head)
    }

    /// The bytes of the file: the same head gives the same bytes.
    pub fn encode(&self) -> Result<Vec<u8>, ModelError> {
        let header = serde_json::to_vec(&self.header)
            .map_err(|error| ModelError::Weights(format!("header: {error}")))?;
        let mut bytes = Vec::with_capacity(header.len() + self.weights.len() + 64);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&header);
        bytes.extend(self.places.iter().flat_map(|place| place.to_le_bytes()));
        bytes.extend(self.weights.iter().map(|weight| *weight as u8));
        bytes.extend(
            self.sentences
                .iter()
                .flat_map(|weight| weight.to_le_bytes()),
        );
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        Ok(bytes)
    }

    /// Parses a weight file and checks its hash, its recipe and its shape.
    pub fn decode(bytes: &[u8]) -> Result<Head, ModelError> {
        let wrong = |what: &str| ModelError::Weights(what.to_owned());
        let body_end = bytes
            .len()
            .checked_sub(DIGEST)
            .ok_or_else(|| wrong("file is cut off"))?;
        let (body, digest) = bytes.split_at(body_end);
        if Sha256::digest(body).as_slice() != digest {
            return Err(wrong("hash does not match: the file is damaged"));
        }
        let rest = body
            .strip_prefix(MAGIC)
            .ok_or_else(|| wrong("not a weight file"))?;
        let (version, rest) = take_u32(rest).ok_or_else(|| wrong("file is cut off"))?;
        if version != VERSION {
            return Err(wrong("the file is of another version"));
        }
        let (length, rest) = take_u32(rest).ok_or_else(|| wrong("file is cut off"))?;
        if rest.len() < length as usize {
            return Err(wrong("file is cut off"));
        }
        let (header, rest) = rest.split_at(length as usize);
        let header: HeadHeader = serde_json::from_slice(header)
            .map_err(|error| ModelError::Weights(format!("header: {error}")))?;
        if header.recipe != RECIPE {
            return Err(ModelError::Weights(format!(
                "trained on features {}, this binary computes {RECIPE}: train it again",
                header.recipe
            )));
        }
        let classes = header.labels.len();
        let unfit = || wrong("weights and labels do not fit together");
        if !(1..=MAX_BITS).contains(&header.bits) {
            return Err(unfit());
        }
        let table = 1usize << header.bits;
        let rows = header.rows.unwrap_or(table);
        let width = header.sentences.as_ref().map_or(0, Sentences::numbers);
        let (places, rest) = words(rest, header.rows.unwrap_or(0)).ok_or_else(unfit)?;
        let length = rows.checked_mul(classes).ok_or_else(unfit)?;
        let (weights, rest) = rest.split_at_checked(length).ok_or_else(unfit)?;
        let length = width.checked_mul(classes).ok_or_else(unfit)?;
        let (sentences, rest) = words(rest, length).ok_or_else(unfit)?;
        let places: Vec<u32> = places
            .iter()
            .map(|word| u32::from_le_bytes(*word))
            .collect();
        let shaped = rest.is_empty()
            && places.is_sorted_by(|a, b| a < b)
            && places.last().is_none_or(|last| (*last as usize) < table)
            && [&header.scale, &header.bias, &header.offsets]
                .iter()
                .all(|v| v.len() == classes)
            && (header.thresholds.is_empty() || header.thresholds.len() == classes)
            && header.sentences.as_ref().is_none_or(Sentences::is_whole);
        if !shaped {
            return Err(unfit());
        }
        Ok(Head {
            weights: weights.iter().map(|byte| *byte as i8).collect(),
            places,
            sentences: sentences
                .iter()
                .map(|word| f32::from_le_bytes(*word))
                .collect(),
            id: hex(&digest[..8]),
            header,
        })
    }

    pub(crate) fn classes(&self) -> usize {
        self.header.labels.len()
    }
}

/// The first `count` words of four bytes, and the rest.
fn words(bytes: &[u8], count: usize) -> Option<(&[[u8; 4]], &[u8])> {
    let (words, rest) = bytes.split_at_checked(count.checked_mul(4)?)?;
    Some((words.as_chunks().0, rest))
}

fn take_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (head, rest) = bytes.split_at_checked(4)?;
    Some((u32::from_le_bytes(head.try_into().ok()?), rest))
}

/// Lower-case hexadecimal digits of bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[(byte >> 4) as usize]));
        text.push(char::from(DIGITS[(byte & 15) as usize]));
    }
    text
}
