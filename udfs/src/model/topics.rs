//! All topics of a text: that of the whole, and those of its clauses.

use std::ops::Range;

use super::clauses::clauses;
use super::text::{Kind, TokenBuffer};

/// Words of a clause that may have a topic of its own.
const FEWEST_WORDS: usize = 3;

/// The reusable memory of finding the topics of many texts.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    words: TokenBuffer,
    clauses: Vec<Range<usize>>,
}

impl Topics {
    /// The topics of a text, each once: that of the whole text first, then those of its clauses in
    /// their order. `None` where the whole text has no answer.
    ///
    /// `topic_of` gives the topic of a text: `None` for no answer, `Some(None)` for "none of them".
    ///
    /// # Errors
    /// Those of `topic_of`.
    pub(crate) fn of<T: PartialEq, E>(
        &mut self,
        text: &str,
        mut topic_of: impl FnMut(&str) -> Result<Option<Option<T>>, E>,
    ) -> Result<Option<Vec<T>>, E> {
        let Some(whole) = topic_of(text)? else {
            return Ok(None);
        };
        let mut topics: Vec<T> = whole.into_iter().collect();
        self.words.read(text);
        clauses(&self.words, &mut self.clauses);
        if self.clauses.len() < 2 {
            return Ok(Some(topics));
        }
        for clause in &self.clauses {
            let tokens = &self.words.tokens[clause.clone()];
            let words = tokens.iter().filter(|token| token.kind == Kind::Word);
            let ([first, ..], true) = (tokens, words.count() >= FEWEST_WORDS) else {
                continue;
            };
            let end = tokens
                .last()
                .map_or(first.source_end, |last| last.source_end);
            let said = &text[first.source_start as usize..end as usize];
            if let Some(topic) = topic_of(said)?.flatten()
                && !topics.contains(&topic)
            {
                topics.push(topic);
            }
        }
        Ok(Some(topics))
    }
}
