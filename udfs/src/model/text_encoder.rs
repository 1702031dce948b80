//! What makes the vector of a text: the shipped encoder, or a graph of one's own.

use std::sync::Arc;

use super::encoder::{Encoder, EncoderMemory};
use super::text::TokenBuffer;
use super::{ModelError, OnnxError, OnnxGraph, OnnxKind, Patience, Sentences};

/// What makes the vector of a text that a model of one's own reads.
#[derive(Debug, Clone, Default)]
pub enum TextEncoder {
    /// The encoder that is compiled in; it reads the words that were found in the text.
    #[default]
    Shipped,
    /// A graph of one's own, which reads the text itself.
    Onnx(Arc<OnnxGraph>),
}

impl TextEncoder {
    /// How a head says that it reads these vectors.
    pub(crate) fn sentences(&self) -> Sentences {
        match self {
            TextEncoder::Shipped => Sentences {
                encoder: Encoder::shipped().id().to_owned(),
                width: Encoder::shipped().dimensions(),
                fourier: 0,
                logits: false,
            },
            TextEncoder::Onnx(graph) => Sentences {
                encoder: graph.id().to_owned(),
                width: graph.width(),
                fourier: 0,
                logits: graph.kind() == OnnxKind::Classifier,
            },
        }
    }

    /// The vector of a text whose words are `words`.
    pub(crate) fn read(
        &self,
        text: &str,
        words: &TokenBuffer,
        memory: &mut EncoderMemory,
        vector: &mut Vec<f32>,
    ) -> Result<(), ModelError> {
        match self {
            TextEncoder::Shipped => Encoder::shipped().read(words, memory, vector),
            TextEncoder::Onnx(_) if Patience::is_over() => return Err(OnnxError::Stopped.into()),
            TextEncoder::Onnx(graph) => graph.read(text, vector)?,
        }
        Ok(())
    }
}
