//! The sentiment of a text about named things: the clauses that speak of each.

use std::ops::Range;

use super::clauses::{clauses, has_content, may_part};
use super::pool::with_scratch;
use super::score::{SENTIMENTS, Scratch, Wanted, shown};
use super::set::{Inner, ModelSet};
use super::stem::stem;
use super::text::{Kind, TokenBuffer};

/// A clause is this surely positive or negative where an aspect is `mixed`.
const MIXED_CLAUSE: f32 = 0.6;

/// Places where a text speaks of one aspect that count, the first ones: each reads its clause.
const MOST_MENTIONS: usize = 16;

/// Things that a text may speak of, ready to be looked for.
#[derive(Debug, Clone, Default)]
pub struct Aspects {
    names: Vec<String>,
    /// The stems of each name's words.
    words: Vec<Vec<Vec<u8>>>,
}

impl Aspects {
    /// Reads names of aspects: a word or a phrase each.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Aspects {
        let mut aspects = Aspects::default();
        let mut buffer = TokenBuffer::default();
        for name in names {
            buffer.read(name);
            let words = buffer.tokens.iter().filter(|token| is_word(token.kind));
            let stems = words.map(|token| stem(buffer.spelling(token)).to_vec());
            aspects.words.push(stems.collect());
            aspects.names.push(name.to_owned());
        }
        aspects
    }

    /// The names, as they were given.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

/// Label and score of a text, and of each aspect that it speaks of.
#[derive(Debug, Clone, PartialEq)]
pub struct AspectSentiments {
    /// As `sentiment_label` and `sentiment` give them.
    pub overall: (&'static str, f64),
    /// One an aspect; `None` where the text does not speak of it.
    pub aspects: Vec<Option<(&'static str, f64)>>,
}

/// Numbers are placeholders, and nobody calls a thing by one: words alone are matched.
fn is_word(kind: Kind) -> bool {
    kind == Kind::Word
}

/// One place where a text speaks of an aspect.
#[derive(Debug, Clone)]
struct Mention {
    aspect: usize,
    tokens: Range<usize>,
}

impl ModelSet {
    /// The sentiment of a text about each aspect; `None` where `sentiment` is NULL.
    pub fn sentiment_aspects(&self, text: &str, aspects: &Aspects) -> Option<AspectSentiments> {
        with_scratch(|scratch| self.inner.sentiment_aspects(text, aspects, scratch))
    }
}

impl Inner {
    fn sentiment_aspects(
        &self,
        text: &str,
        aspects: &Aspects,
        scratch: &mut Scratch,
    ) -> Option<AspectSentiments> {
        let wanted = Wanted {
            sentiment: true,
            label: true,
            ..Wanted::default()
        };
        let scores = self.score_text(text, wanted, scratch)?;
        if !scores.covered {
            return None;
        }
        let mentions = mentions(&scratch.text, aspects);
        let mut tallies = vec![Tally::default(); aspects.names.len()];
        if !mentions.is_empty() {
            let mut ranges = Vec::new();
            clauses(&scratch.text, &mut ranges);
            let mut rest = mentions.as_slice();
            for clause in ranges {
                let inside = rest.partition_point(|m| m.tokens.start < clause.end);
                let (here, later) = rest.split_at(inside);
                rest = later;
                let mut last: Option<(usize, Range<usize>)> = None;
                for (at, mention) in here.iter().enumerate() {
                    let part = part_of(&scratch.text, &clause, here, at);
                    // Twice in one part is once.
                    let key = (mention.aspect, part.clone());
                    if last.as_ref() == Some(&key) {
                        continue;
                    }
                    last = Some(key);
                    let weight = part.len() as f32;
                    let probabilities = self.sentiment_of_part(part, scratch);
                    tallies[mention.aspect].add(probabilities, weight);
                }
            }
        }
        Some(AspectSentiments {
            overall: (
                SENTIMENTS[usize::from(scores.sentiment_label)],
                scores.sentiment,
            ),
            aspects: tallies.iter().map(Tally::answer).collect(),
        })
    }
}

/// The first places where a text speaks of each aspect, in text order.
fn mentions(text: &TokenBuffer, aspects: &Aspects) -> Vec<Mention> {
    let mut mentions = Vec::new();
    let mut counts = vec![0; aspects.words.len()];
    for (at, token) in text.tokens.iter().enumerate() {
        if !is_word(token.kind) {
            continue;
        }
        let spoken = stem(text.spelling(token));
        for (aspect, words) in aspects.words.iter().enumerate() {
            if counts[aspect] == MOST_MENTIONS {
                continue;
            }
            let Some((first, more)) = words.split_first() else {
                continue;
            };
            let follows = |(nth, word): (usize, &Vec<u8>)| {
                let token = text.tokens.get(at + 1 + nth);
                token.is_some_and(|t| is_word(t.kind) && stem(text.spelling(t)) == word.as_slice())
            };
            if spoken == first.as_slice() && more.iter().enumerate().all(follows) {
                counts[aspect] += 1;
                mentions.push(Mention {
                    aspect,
                    tokens: at..at + words.len(),
                });
            }
        }
    }
    mentions
}

/// The part of a clause that speaks of the mention: the clause without what belongs to the
/// mentions of other aspects beside it, where something parts the two.
fn part_of(
    text: &TokenBuffer,
    clause: &Range<usize>,
    mentions: &[Mention],
    at: usize,
) -> Range<usize> {
    let mention = &mentions[at];
    let is_other = |other: &&Mention| other.aspect != mention.aspect;
    let parts = |at: &usize| may_part(text, &text.tokens[*at]);
    let before = mentions[..at].iter().rev().find(is_other);
    let start = before
        .and_then(|other| (other.tokens.end..mention.tokens.start).rev().find(parts))
        .unwrap_or(clause.start);
    let after = mentions[at + 1..].iter().find(is_other);
    let end = after
        .and_then(|other| (mention.tokens.end..other.tokens.start).find(parts))
        .unwrap_or(clause.end.max(mention.tokens.end));
    // "The food and the service were great": a part that says nothing else shares the whole.
    let says_more = (start..end)
        .filter(|at| !mention.tokens.contains(at))
        .any(|at| has_content(text, &text.tokens[at]));
    match says_more {
        true => start..end,
        false => clause.start..clause.end.max(mention.tokens.end),
    }
}

/// Probabilities of the parts that speak of one aspect.
#[derive(Debug, Clone, Default)]
struct Tally {
    sums: [f32; 3],
    weight: f32,
    is_good: bool,
    is_bad: bool,
}

impl Tally {
    fn add(&mut self, probabilities: [f32; 3], weight: f32) {
        let sums = self.sums.iter_mut().zip(probabilities);
        sums.for_each(|(sum, probability)| *sum += probability * weight);
        self.weight += weight;
        self.is_bad |= probabilities[0] >= MIXED_CLAUSE;
        self.is_good |= probabilities[2] >= MIXED_CLAUSE;
    }

    fn answer(&self) -> Option<(&'static str, f64)> {
        if self.weight == 0.0 {
            return None;
        }
        let [negative, neutral, positive] = self.sums.map(|sum| sum / self.weight);
        let label = if self.is_good && self.is_bad {
            SENTIMENTS[3]
        } else if negative > neutral && negative > positive {
            SENTIMENTS[0]
        } else if positive > neutral {
            SENTIMENTS[2]
        } else {
            SENTIMENTS[1]
        };
        Some((label, shown(positive - negative)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str, names: &[&str]) -> Vec<&'static str> {
        let aspects = Aspects::new(names.iter().copied());
        let answer = ModelSet::shipped().sentiment_aspects(text, &aspects);
        let answer = answer.map(|answer| answer.aspects).unwrap_or_default();
        answer
            .into_iter()
            .map(|aspect| aspect.map_or("unknown", |(label, _)| label))
            .collect()
    }

    #[test]
    fn each_aspect_has_the_feeling_of_its_clause() {
        let names = ["delivery", "customer service", "price"];
        for (text, wanted) in [
            (
                "The delivery was fast but the customer service was terrible",
                ["positive", "negative", "unknown"],
            ),
            (
                "I love the prices. Deliveries are always late and annoying!",
                ["negative", "unknown", "positive"],
            ),
            (
                "Great price, awful delivery, rude customer service",
                ["negative", "negative", "positive"],
            ),
            (
                "The delivery and the customer service were excellent",
                ["positive", "positive", "unknown"],
            ),
            ("Where is the shop?", ["unknown"; 3]),
        ] {
            assert_eq!(labels(text, &names), wanted, "{text}");
        }
    }

    #[test]
    fn an_aspect_that_is_praised_and_blamed_is_mixed() {
        assert_eq!(
            labels(
                "I love the app, it is wonderful. But the app is terribly slow and it crashed again!",
                &["app"]
            ),
            ["mixed"]
        );
    }

    #[test]
    fn a_name_without_words_is_never_spoken_of() {
        assert_eq!(labels("great!", &["", "!", "12"]), ["unknown"; 3]);
    }
}
