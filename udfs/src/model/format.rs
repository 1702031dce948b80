//! The weight file of one head: header, weights, hash.
//!
//! `VERBATIM` · u32 version · u32 header length · header (JSON) · i8 weights, row by row ·
//! SHA-256 of everything before. Numbers are little-endian.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ModelError;
use super::features::RECIPE;

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
    /// Whether the head reads pairs of neighbouring words.
    pub pairs: bool,
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
    /// 2^bits rows of one weight a class.
    pub(crate) weights: Vec<i8>,
    /// Hex of the first 8 bytes of the file's hash.
    pub(crate) id: String,
}

impl Head {
    pub(crate) fn new(header: HeadHeader, weights: Vec<i8>) -> Result<Head, ModelError> {
        let mut head = Head {
            header,
            weights,
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
        bytes.extend(self.weights.iter().map(|weight| *weight as u8));
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
        let (header, weights) = rest.split_at(length as usize);
        let header: HeadHeader = serde_json::from_slice(header)
            .map_err(|error| ModelError::Weights(format!("header: {error}")))?;
        if header.recipe != RECIPE {
            return Err(ModelError::Weights(format!(
                "trained on features {}, this binary computes {RECIPE}: train it again",
                header.recipe
            )));
        }
        let classes = header.labels.len();
        let shaped = (1..=MAX_BITS).contains(&header.bits)
            && weights.len() == classes << header.bits
            && [&header.scale, &header.bias, &header.offsets]
                .iter()
                .all(|v| v.len() == classes)
            && (header.thresholds.is_empty() || header.thresholds.len() == classes);
        if !shaped {
            return Err(wrong("weights and labels do not fit together"));
        }
        Ok(Head {
            weights: weights.iter().map(|byte| *byte as i8).collect(),
            id: hex(&digest[..8]),
            header,
        })
    }

    pub(crate) fn classes(&self) -> usize {
        self.header.labels.len()
    }
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
