//! The encoder's vector of each text that a model is trained on.

use super::TrainError;
use super::data::Labelled;
use super::solver::KeepGoing;
use crate::model::TextEncoder;
use crate::model::encoder::EncoderMemory;
use crate::model::text::TokenBuffer;

/// Texts whose vectors are held beside the rows that they go into.
const BLOCK: usize = 8192;

/// Hands on the vector of each text in order; each is made once, by as many threads as there are
/// cores, and does not depend on the others.
pub(super) fn each_vector(
    encoder: &TextEncoder,
    texts: &[Labelled],
    keep_going: KeepGoing<'_>,
    mut take: impl FnMut(Vec<f32>),
) -> Result<(), TrainError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    for block in texts.chunks(BLOCK) {
        let done: Vec<_> = std::thread::scope(|scope| {
            let running: Vec<_> = block
                .chunks(block.len().div_ceil(threads))
                .map(|part| scope.spawn(|| vectors(encoder, part, keep_going)))
                .collect();
            running
                .into_iter()
                .map(std::thread::ScopedJoinHandle::join)
                .collect()
        });
        for part in done {
            let part = part.map_err(|_| TrainError::Recipe("an encoding thread failed".to_owned()));
            part??.into_iter().for_each(&mut take);
        }
    }
    Ok(())
}

fn vectors(
    encoder: &TextEncoder,
    texts: &[Labelled],
    keep_going: KeepGoing<'_>,
) -> Result<Vec<Vec<f32>>, TrainError> {
    let mut words = TokenBuffer::default();
    let mut memory = EncoderMemory::default();
    let vector = |text: &Labelled| {
        if !keep_going() {
            return Err(TrainError::Stopped);
        }
        words.read(&text.text);
        let mut vector = Vec::new();
        encoder.read(&text.text, &words, &mut memory, &mut vector)?;
        Ok(vector)
    };
    texts.iter().map(vector).collect()
}
