//! Tests texts against a phrase expression.

use std::ops::Range;

use super::expression::{Expression, Phrase, Word};
use super::words;

/// Tests texts against one expression; keeps its buffers from text to text.
#[derive(Debug, Clone)]
pub struct Matcher {
    expression: Expression,
    text: SplitText,
}

impl Matcher {
    /// A matcher for `expression`.
    pub fn new(expression: Expression) -> Self {
        Matcher {
            expression,
            text: SplitText::default(),
        }
    }

    /// Whether `text` fulfils the expression.
    pub fn is_match(&mut self, text: &str) -> bool {
        self.text.fill(text);
        self.text.fulfils(&self.expression)
    }
}

/// The words of a text.
#[derive(Debug, Clone, Default)]
struct SplitText {
    letters: String,
    words: Vec<Range<usize>>,
}

impl SplitText {
    fn fill(&mut self, text: &str) {
        self.letters.clear();
        self.words.clear();
        let ranges = &mut self.words;
        words::split(text, &mut self.letters, |start, end, _| {
            ranges.push(start..end)
        });
    }

    fn fulfils(&self, expression: &Expression) -> bool {
        match expression {
            Expression::Phrase(phrase) => self.places(phrase).next().is_some(),
            Expression::Near { first, links } => self.is_near(first, links),
            Expression::Not(inner) => !self.fulfils(inner),
            Expression::And(all) => all.iter().all(|part| self.fulfils(part)),
            Expression::Or(any) => any.iter().any(|part| self.fulfils(part)),
        }
    }

    /// Where a phrase stands: ranges of word indices.
    fn places<'a>(&'a self, phrase: &'a Phrase) -> impl Iterator<Item = Range<usize>> + 'a {
        let length = phrase.words.len();
        self.words
            .windows(length.max(1))
            .enumerate()
            .filter_map(move |(start, stretch)| {
                let mut pairs = stretch.iter().zip(&phrase.words);
                pairs
                    .all(|(range, word)| is_word(&self.letters[range.clone()], word))
                    .then_some(start..start + length)
            })
    }

    /// Whether the chain can be followed. The places reached after each link are kept, so that the
    /// time is linear in the number of words.
    fn is_near(&self, first: &[Phrase], links: &[(usize, Vec<Phrase>)]) -> bool {
        let mut reached: Vec<Range<usize>> = first
            .iter()
            .flat_map(|phrase| self.places(phrase))
            .collect();
        for (distance, phrases) in links {
            if reached.is_empty() {
                return false;
            }
            let starts = Counts::new(self.words.len(), reached.iter().map(|place| place.start));
            let ends = Counts::new(self.words.len(), reached.iter().map(|place| place.end));
            // Neighbours are at distance 1; what overlaps is not near.
            reached = phrases
                .iter()
                .flat_map(|phrase| self.places(phrase))
                .filter(|place| {
                    let before = (place.start + 1).saturating_sub(*distance)..place.start + 1;
                    ends.any_in(before) || starts.any_in(place.end..place.end + distance)
                })
                .collect();
        }
        !reached.is_empty()
    }
}

fn is_word(found: &str, wanted: &Word) -> bool {
    if wanted.is_prefix {
        found.starts_with(&wanted.letters)
    } else {
        found == wanted.letters
    }
}

/// How many of some places lie below each position.
struct Counts(Vec<usize>);

impl Counts {
    fn new(words: usize, places: impl Iterator<Item = usize>) -> Self {
        // A place can end behind the last word.
        let mut counts = vec![0; words + 2];
        for place in places {
            counts[place + 1] += 1;
        }
        for index in 1..counts.len() {
            counts[index] += counts[index - 1];
        }
        Counts(counts)
    }

    fn any_in(&self, range: Range<usize>) -> bool {
        let last = self.0.len() - 1;
        self.0[range.end.min(last)] > self.0[range.start.min(last)]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn is_match(expression: &str, text: &str) -> bool {
        Matcher::new(Expression::parse(expression).unwrap()).is_match(text)
    }

    #[test]
    fn words_match_whole_and_in_any_case() {
        assert!(is_match("refund", "My REFUND, please"));
        assert!(!is_match("refund", "it was refunded"));
        assert!(is_match("refund*", "it was refunded"));
        assert!(is_match("don't", "I don’t know"));
        assert!(is_match("e-mail", "send an e-mail"));
        // An accent as a character of its own, on either side.
        assert!(is_match("café", "the cafe\u{301} is closed"));
        assert!(is_match("cafe\u{301}s*", "CAFÉS"));
    }

    #[test]
    fn operators_bind_not_then_and_then_or() {
        assert!(is_match("late OR lost AND parcel", "so late"));
        assert!(!is_match("(late OR lost) AND parcel", "so late"));
        assert!(is_match("parcel not lost", "the parcel came"));
        assert!(!is_match("parcel NOT lost", "the parcel is lost"));
        assert!(is_match("\"lost parcel\"", "a lost parcel again"));
        assert!(!is_match("\"lost parcel\"", "lost my parcel"));
    }

    #[test]
    fn near_counts_words_in_both_directions() {
        assert!(is_match("cancel NEAR/1 account", "cancel account"));
        assert!(!is_match("cancel NEAR/1 account", "cancel my account"));
        assert!(is_match("cancel NEAR/2 account", "account to cancel"));
        assert!(!is_match("cancel NEAR/5 cancel", "cancel"));
        assert!(is_match(
            "(end OR cancel*) NEAR/3 \"my account\"",
            "cancelling my account"
        ));
        assert!(is_match("a NEAR/1 b NEAR/1 c", "c b a"));
        assert!(!is_match("a NEAR/1 b NEAR/1 c", "a b x c"));
    }
}
