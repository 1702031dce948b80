//! Trains, calibrates and packs one head.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::TrainError;
use super::calibrate;
use super::data::{Labelled, NONE};
use super::solver::{self, KeepGoing, Rows, Settings, Weights};
use super::vectors::each_vector;
use crate::model::features::{
    KnownPairs, PAIR_WEIGHT, RECIPE, pair_feature, text_factor, word_features,
};
use crate::model::fourier::Fourier;
use crate::model::text::TokenBuffer;
use crate::model::{Head, HeadHeader, Sentences, TextEncoder, TrainingSource};

/// How one head is trained.
pub(crate) struct Recipe {
    pub(crate) task: String,
    pub(crate) labels: Vec<String>,
    pub(crate) bits: u32,
    pub(crate) pairs: bool,
    /// The pairs that are read; `None`: all of them.
    pub(crate) known_pairs: Option<Arc<KnownPairs>>,
    /// Keep only the rows of the table that the training texts have.
    pub(crate) some_rows: bool,
    /// Weight of the encoder's vector beside the words, where it is read.
    pub(crate) sentences: f32,
    /// Random Fourier features that stand for the vector, about as many; 0: the vector itself.
    pub(crate) fourier: usize,
    pub(crate) cost: f32,
    pub(crate) passes: usize,
    /// 0: every row counts the same, 1: every class counts the same.
    pub(crate) balance: f32,
    pub(crate) seed: u64,
    pub(crate) trained_on: Vec<TrainingSource>,
}

impl Recipe {
    pub(crate) fn train(&self, train: &[Labelled], valid: &[Labelled]) -> Result<Head, TrainError> {
        let (rows, table) = self.rows(train);
        let weights = self.fit(&rows, &table, &labels_of(train), &|| true);
        let labels = labels_of(valid);
        let importance = balanced(&labels, self.labels.len(), self.balance);
        let margins = self.margins(&self.rows(valid).0, &weights);
        let held_out: Vec<HeldOut> = margins
            .into_iter()
            .zip(labels.iter().zip(&importance))
            .map(|(margins, (label, importance))| (margins, *label, *importance))
            .collect();
        self.pack(weights, table, &held_out)
    }

    /// The weights that fit some rows; cut short where `keep_going` says no.
    pub(crate) fn fit(
        &self,
        rows: &Rows,
        table: &Table,
        labels: &[u16],
        keep_going: KeepGoing<'_>,
    ) -> Weights {
        let classes = self.labels.len();
        solver::train(
            rows,
            labels,
            &balanced(labels, classes, self.balance),
            &Settings {
                columns: table.columns(),
                classes,
                cost: self.cost,
                positive: vec![1.0; classes],
                negative: vec![1.0; classes],
                passes: self.passes,
                seed: self.seed,
            },
            keep_going,
        )
    }

    /// The margins of every class for each row.
    pub(crate) fn margins(&self, rows: &Rows, weights: &Weights) -> Vec<Vec<f32>> {
        let mut margins = vec![0.0; self.labels.len()];
        (0..rows.len())
            .map(|row| {
                rows.margins(row, weights, &mut margins);
                margins.clone()
            })
            .collect()
    }

    /// Calibrates on rows that the weights were not trained on, and packs the head.
    pub(crate) fn pack(
        &self,
        weights: Weights,
        table: Table,
        held_out: &[HeldOut],
    ) -> Result<Head, TrainError> {
        let classes = self.labels.len();
        let calibration = calibrate::fit(held_out, classes);
        let threshold = match self.labels[0] == NONE {
            true if self.some_rows => calibrate::careful_threshold(held_out, &calibration),
            true => calibrate::threshold(held_out, &calibration),
            false => 0.0,
        };
        let (words, sentences) = weights.values.split_at(table.rows * classes);
        let (scale, stored) = quantise(words, classes);
        let header = HeadHeader {
            task: self.task.clone(),
            recipe: RECIPE.to_owned(),
            labels: self.labels.clone(),
            bits: self.bits,
            rows: self.some_rows.then_some(table.rows),
            pairs: self.pairs,
            sentences: table.sentences,
            seed: self.seed,
            scale,
            bias: weights.bias,
            slope: calibration.slope,
            offsets: calibration.offsets,
            threshold,
            thresholds: Vec::new(),
            trained_on: self.trained_on.clone(),
            held_out: BTreeMap::new(),
        };
        let sentences = sentences.iter().map(|w| w * self.sentences).collect();
        Ok(Head::of_parts(header, stored, table.places, sentences)?)
    }

    /// The features of each text.
    pub(crate) fn rows(&self, texts: &[Labelled]) -> (Rows, Table) {
        let mut rows = Rows::default();
        let mut buffer = TokenBuffer::default();
        let mut features = Vec::new();
        for text in texts {
            buffer.read(&text.text);
            self.features(&buffer, &mut features);
            rows.push(&mut features);
        }
        let places = match self.some_rows {
            true => rows.renumber(),
            false => Vec::new(),
        };
        let table = Table {
            rows: match self.some_rows {
                true => places.len(),
                false => 1 << self.bits,
            },
            places,
            sentences: None,
        };
        (rows, table)
    }

    /// The features of each text with its vector behind them.
    pub(crate) fn rows_with_vectors(
        &self,
        texts: &[Labelled],
        encoder: &TextEncoder,
        keep_going: KeepGoing<'_>,
    ) -> Result<(Rows, Table), TrainError> {
        let (words, mut table) = self.rows(texts);
        let mut rows = Rows::default();
        let mut read = encoder.sentences();
        let fourier = (self.fourier > 0).then(|| Fourier::new(read.width, self.fourier));
        read.fourier = fourier.as_ref().map_or(0, Fourier::features);
        let mut features = Vec::new();
        each_vector(encoder, texts, keep_going, |mut vector| {
            if let Some(fourier) = &fourier {
                fourier.read(&vector, &mut features);
                std::mem::swap(&mut vector, &mut features);
            }
            vector.iter_mut().for_each(|value| *value *= self.sentences);
            words.extend_next(&mut rows, table.rows as u32, &vector);
        })?;
        table.sentences = Some(read);
        Ok((rows, table))
    }

    fn features(&self, text: &TokenBuffer, features: &mut Vec<(u32, f32)>) {
        let factor = text_factor(text.tokens.len());
        let place = |hash: u64| (hash >> (64 - self.bits)) as u32;
        for (index, token) in text.tokens.iter().enumerate() {
            let spelling = text.spelling(token);
            word_features(
                token.hash,
                spelling,
                token.kind,
                token.negated,
                |hash, weight| {
                    features.push((place(hash), weight * factor));
                },
            );
            if self.pairs && index > 0 {
                let pair = pair_feature(text.tokens[index - 1].hash, token.hash);
                if self
                    .known_pairs
                    .as_ref()
                    .is_none_or(|known| known.may_hold(pair))
                {
                    features.push((place(pair), PAIR_WEIGHT * factor));
                }
            }
        }
    }
}

/// The columns that a training has.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// Rows of the table of hashed words.
    pub(crate) rows: usize,
    /// Where they lie among 2^bits; empty: all of them are there.
    pub(crate) places: Vec<u32>,
    /// The vectors behind them.
    pub(crate) sentences: Option<Sentences>,
}

impl Table {
    fn columns(&self) -> usize {
        self.rows + self.sentences.as_ref().map_or(0, Sentences::numbers)
    }
}

/// Margins of a row that was not trained on, its class, its importance.
pub(crate) type HeldOut = (Vec<f32>, u16, f32);

pub(crate) fn labels_of(texts: &[Labelled]) -> Vec<u16> {
    texts.iter().map(|text| text.label).collect()
}

/// The importance of each row: (rows / (classes × rows of its class)) to the power of `balance`.
pub(crate) fn balanced(labels: &[u16], classes: usize, balance: f32) -> Vec<f32> {
    let mut counts = vec![0.0f32; classes];
    labels
        .iter()
        .for_each(|label| counts[*label as usize] += 1.0);
    let present = counts.iter().filter(|count| **count > 0.0).count() as f32;
    let rows = labels.len() as f32;
    labels
        .iter()
        .map(|label| (rows / (present * counts[*label as usize])).powf(balance))
        .collect()
}

/// Eight bits a weight, with a step of its own for each class.
fn quantise(weights: &[f32], classes: usize) -> (Vec<f32>, Vec<i8>) {
    let mut scale = vec![1e-9f32; classes];
    for row in weights.chunks_exact(classes) {
        for (scale, weight) in scale.iter_mut().zip(row) {
            *scale = scale.max(weight.abs() / 127.0);
        }
    }
    let stored = weights
        .chunks_exact(classes)
        .flat_map(|row| {
            row.iter()
                .zip(&scale)
                .map(|(weight, scale)| (weight / scale).round() as i8)
        })
        .collect();
    (scale, stored)
}
