//! Answers to texts that were asked lately, for models that take long over a text.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::own::Answer;

/// Answers of a generation: several batches, since a query asks for the label of every text of a
/// batch, and then for the score of each.
const GENERATION: usize = 1 << 15;
const KEY: usize = 16;

/// What a model has said lately, by the hash of the text. The older half is forgotten at once.
#[derive(Debug, Default)]
pub(super) struct Remembered(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<[u8; KEY], Answer>,
    old: HashMap<[u8; KEY], Answer>,
}

impl Remembered {
    /// The answer to a text, worked out where it is not known. The memory is free meanwhile.
    pub(super) fn answer<E>(
        &self,
        text: &str,
        work: impl FnOnce() -> Result<Answer, E>,
    ) -> Result<Answer, E> {
        let mut key = [0; KEY];
        key.copy_from_slice(&Sha256::digest(text)[..KEY]);
        let known = {
            let generations = self.generations();
            let known = generations.young.get(&key);
            known.or_else(|| generations.old.get(&key)).copied()
        };
        if let Some(answer) = known {
            return Ok(answer);
        }
        let answer = work()?;
        let mut generations = self.generations();
        if generations.young.len() >= GENERATION {
            generations.old = mem::take(&mut generations.young);
        }
        generations.young.insert(key, answer);
        Ok(answer)
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_worked_on_once_until_it_is_long_ago() {
        let remembered = Remembered::default();
        let mut worked = 0;
        let mut ask = |text: &str| {
            let answer = remembered.answer(text, || {
                worked += 1;
                let (label, score) = (Some(text.len() as u16), 0.5);
                Ok::<_, ()>(Answer { label, score })
            });
            assert_eq!(
                answer.map(|answer| answer.label),
                Ok(Some(text.len() as u16))
            );
            worked
        };
        assert_eq!((ask("a"), ask("bb"), ask("a")), (1, 2, 2));
        for number in 0..2 * GENERATION {
            ask(&number.to_string());
        }
        let before = ask("9");
        assert_eq!(ask("a"), before + 1);
    }
}
