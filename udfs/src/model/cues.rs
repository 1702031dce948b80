//! Cues: patterns over the words of a text that point at a risk, a wish or an effort.
//!
//! The patterns are data, written in `cues/*.cues`:
//!
//! ```text
//! @leave = leave leaving quit          a named set of words
//! churn 0.8 ask 0.4: @we ~3 =@leave    signal, weight, weight inside a question, pattern
//! ```
//!
//! A pattern is a row of words, `@sets` and `(a|b|@c)`; `x?` may be missing, `~n` lets up to n
//! words pass, `@not` is any negating word, and `=` marks the anchor: the word by which the
//! pattern is found (the first one, where none is marked). `!(a|b)` takes no word and fails where
//! the next word away from the anchor is one of these, `!n(a|b)` where one of the next n is; `^`
//! and `$` are the begin and the end of a sentence. A negated anchor does not count unless the
//! pattern itself holds `@not` or a negating word. Sentence ends, line breaks among them, are never
//! crossed. The time is linear in the length of the text: each word looks up the patterns that it
//! anchors, each try is bounded. A word is written as the tokens spell it: "bbb" is `bb`, "2nd" is
//! `0nd`, "self-harm" is two words; other spellings could never match and are refused.

mod parser;

use std::collections::HashMap;

use parser::Builder;

use super::ModelError;
use super::bytes::hash_bytes;
use super::text::{Kind, Token, TokenBuffer};
use super::word_class::{ASKS, NEGATES};

/// What the patterns point at. The first six are the labels of `risk_signals`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Signal {
    Churn,
    Distrust,
    Escalation,
    Legal,
    Safety,
    Vulnerability,
    Failure,
    Repeat,
    Waiting,
    Struggle,
    Ease,
    Thanks,
    Apology,
}

/// Number of signals.
pub(crate) const SIGNALS: usize = 13;

const NAMES: [(&str, Signal); SIGNALS] = [
    ("churn", Signal::Churn),
    ("distrust", Signal::Distrust),
    ("escalation", Signal::Escalation),
    ("legal", Signal::Legal),
    ("safety", Signal::Safety),
    ("vulnerability", Signal::Vulnerability),
    ("failure", Signal::Failure),
    ("repeat", Signal::Repeat),
    ("waiting", Signal::Waiting),
    ("struggle", Signal::Struggle),
    ("ease", Signal::Ease),
    ("thanks", Signal::Thanks),
    ("apology", Signal::Apology),
];

/// What one signal found in a text.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Found {
    /// Places where a pattern of the signal matched (one anchor counts once).
    pub(crate) count: u32,
    /// 1 − Π(1 − weight) over the anchors, each with its best pattern.
    pub(crate) strength: f32,
    /// The best single weight and its place in the source text, in bytes.
    pub(crate) best: f32,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// All signals of one text.
pub(crate) type Findings = [Found; SIGNALS];

/// The compiled patterns.
#[derive(Debug)]
pub(crate) struct Cues {
    patterns: Vec<Pattern>,
    /// The words of all sets.
    words: Vec<Word>,
    /// The place of a word among them, by its hash.
    places: HashMap<u64, u32, Plain>,
    /// The hashes of these words: most words of a text are none of them.
    known: HashBits,
    /// The hashes of the anchors.
    anchors: HashBits,
}

#[derive(Debug, Default)]
struct Word {
    /// A bit for every set that the word is in.
    sets: Vec<u64>,
    /// The patterns that it anchors.
    anchors: Vec<u16>,
}

impl Word {
    fn is_in(&self, set: u16) -> bool {
        let bits = self.sets.get(usize::from(set) / 64);
        bits.is_some_and(|bits| bits & (1 << (set % 64)) != 0)
    }

    fn put_in(&mut self, set: u16) {
        let at = usize::from(set) / 64;
        if self.sets.len() <= at {
            self.sets.resize(at + 1, 0);
        }
        self.sets[at] |= 1 << (set % 64);
    }
}

/// A bit for every hash, by its low bits: says no for sure, and yes nearly so.
#[derive(Debug)]
struct HashBits(Vec<u64>);

/// Bits of [`HashBits`]; a power of two.
const HASH_BITS: usize = 1 << 16;

impl Default for HashBits {
    fn default() -> HashBits {
        HashBits(vec![0; HASH_BITS / 64])
    }
}

impl HashBits {
    fn may_hold(&self, hash: u64) -> bool {
        let bit = hash as usize & (HASH_BITS - 1);
        self.0[bit / 64] & (1 << (bit % 64)) != 0
    }

    fn insert(&mut self, hash: u64) {
        let bit = hash as usize & (HASH_BITS - 1);
        self.0[bit / 64] |= 1 << (bit % 64);
    }
}

#[derive(Debug)]
struct Pattern {
    signal: Signal,
    weight: f32,
    asked: f32,
    negates: bool,
    /// Elements before the anchor, nearest first.
    before: Vec<Element>,
    /// Elements after the anchor.
    after: Vec<Element>,
}

#[derive(Debug, Clone, PartialEq)]
enum Element {
    Gap(u8),
    Set {
        set: u16,
        optional: bool,
    },
    Not {
        optional: bool,
    },
    /// None of the next words in this direction is in the set.
    Unless {
        set: u16,
        reach: u8,
    },
    /// The sentence has no further word in this direction.
    Edge,
}

/// The words of a text as the patterns see them; reused from text to text.
#[derive(Debug, Default)]
pub(crate) struct CueBuffer {
    words: Vec<CueWord>,
}

/// A word or placeholder of a text.
#[derive(Debug, Clone, Copy)]
struct CueWord {
    /// Index of the token.
    token: u32,
    /// Whether a sentence begins with it.
    begins: bool,
    /// Whether its sentence asks.
    asks: bool,
}

impl CueBuffer {
    /// Splits a text into words and sentences. A sentence asks where it begins like a question or
    /// ends with `?`; this is decided once for all of its words.
    fn fill(&mut self, text: &TokenBuffer) {
        self.words.clear();
        let mut first = 0;
        let mut ended = true;
        for (index, token) in text.tokens.iter().enumerate() {
            match token.kind {
                Kind::Word | Kind::Placeholder => {
                    if ended {
                        first = self.words.len();
                    }
                    let asks = match self.words.get(first) {
                        Some(opening) => opening.asks,
                        None => token.class & ASKS != 0,
                    };
                    self.words.push(CueWord {
                        token: index as u32,
                        begins: ended,
                        asks,
                    });
                    ended = false;
                }
                _ => match text.spelling(token).first() {
                    Some(b'?') => {
                        if self.words.get(first).is_some_and(|word| !word.asks) {
                            self.words[first..].iter_mut().for_each(|w| w.asks = true);
                        }
                        ended = true;
                    }
                    Some(b'.' | b'!' | b';') => ended = true,
                    _ => {}
                },
            }
            ended |= token.ends_line;
        }
    }
}

impl Cues {
    /// Compiles pattern files.
    pub(crate) fn parse(files: &[(&str, &str)]) -> Result<Cues, ModelError> {
        let mut builder = Builder::default();
        for (file, text) in files {
            for (number, line) in text.lines().enumerate() {
                let line = line.split('#').next().unwrap_or_default().trim();
                builder.line(line).map_err(|reason| {
                    ModelError::Weights(format!("{file}, line {}: {reason}", number + 1))
                })?;
            }
        }
        Ok(builder.cues)
    }

    /// Looks for every signal in a text.
    pub(crate) fn find(&self, text: &TokenBuffer, buffer: &mut CueBuffer) -> Findings {
        let mut findings = [Found::default(); SIGNALS];
        let may_anchor = |token: &Token| self.anchors.may_hold(token.hash);
        let Some(first) = text.tokens.iter().position(may_anchor) else {
            return findings;
        };
        buffer.fill(text);
        for at in 0..buffer.words.len() {
            let index = buffer.words[at].token as usize;
            let token = &text.tokens[index];
            if index < first || !may_anchor(token) {
                continue;
            }
            let Some(word) = self.word(token) else {
                continue;
            };
            // The best pattern of each signal counts, once per anchor.
            let mut best = [(0.0f32, 0usize, 0usize); SIGNALS];
            for &index in &word.anchors {
                let pattern = &self.patterns[index as usize];
                if token.negated && !pattern.negates {
                    continue;
                }
                let Some((first, last)) = self.matches(pattern, text, &buffer.words, at) else {
                    continue;
                };
                let weight = if buffer.words[at].asks {
                    pattern.asked
                } else {
                    pattern.weight
                };
                let slot = &mut best[pattern.signal as usize];
                if weight > slot.0 {
                    *slot = (weight, first, last);
                }
            }
            for (found, (weight, first, last)) in findings.iter_mut().zip(best) {
                if weight <= 0.0 {
                    continue;
                }
                found.count += 1;
                found.strength = 1.0 - (1.0 - found.strength) * (1.0 - weight);
                if weight > found.best {
                    found.best = weight;
                    found.start = text.tokens[buffer.words[first].token as usize].source_start;
                    found.end = text.tokens[buffer.words[last].token as usize].source_end;
                }
            }
        }
        findings
    }

    /// What the patterns know of a word.
    #[inline]
    fn word(&self, token: &Token) -> Option<&Word> {
        if !self.known.may_hold(token.hash) {
            return None;
        }
        let place = self.places.get(&token.hash)?;
        self.words.get(*place as usize)
    }

    /// The first and last word of a match around the anchor at `at`.
    fn matches(
        &self,
        pattern: &Pattern,
        text: &TokenBuffer,
        words: &[CueWord],
        at: usize,
    ) -> Option<(usize, usize)> {
        let first = self.walk(&pattern.before, text, words, at, Direction::Back)?;
        let last = self.walk(&pattern.after, text, words, at, Direction::Ahead)?;
        Some((first, last))
    }

    /// Matches `elements` outwards from `at`; returns the last word that an element took.
    fn walk(
        &self,
        elements: &[Element],
        text: &TokenBuffer,
        words: &[CueWord],
        at: usize,
        direction: Direction,
    ) -> Option<usize> {
        let Some((element, rest)) = elements.split_first() else {
            return Some(at);
        };
        if let Element::Gap(reach) = element {
            let mut from = at;
            for step in 0..=*reach {
                if let Some(end) = self.walk(rest, text, words, from, direction) {
                    return Some(end);
                }
                if step < *reach {
                    from = direction.next(words, from)?;
                }
            }
            return None;
        }
        let token_at = |index: usize| &text.tokens[words[index].token as usize];
        let is_in =
            |index: usize, set: u16| self.word(token_at(index)).is_some_and(|w| w.is_in(set));
        let optional = match element {
            Element::Set { optional, .. } | Element::Not { optional } => *optional,
            Element::Gap(_) | Element::Unless { .. } | Element::Edge => false,
        };
        if let Element::Unless { set, reach } = element {
            let mut from = at;
            for _ in 0..*reach {
                match direction.next(words, from) {
                    Some(next) if is_in(next, *set) => return None,
                    Some(next) => from = next,
                    None => break,
                }
            }
            return self.walk(rest, text, words, at, direction);
        }
        let next = direction.next(words, at);
        if *element == Element::Edge {
            return match next {
                Some(_) => None,
                None => self.walk(rest, text, words, at, direction),
            };
        }
        if let Some(next) = next {
            let fits = match element {
                Element::Set { set, .. } => is_in(next, *set),
                _ => token_at(next).class & NEGATES != 0,
            };
            if fits && let Some(end) = self.walk(rest, text, words, next, direction) {
                return Some(end);
            }
        }
        if optional {
            self.walk(rest, text, words, at, direction)
        } else {
            None
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    Back,
    Ahead,
}

impl Direction {
    /// The neighbour in this direction within the same sentence.
    fn next(self, words: &[CueWord], at: usize) -> Option<usize> {
        match self {
            Direction::Back => (at > 0 && !words[at].begins).then(|| at - 1),
            Direction::Ahead => words
                .get(at + 1)
                .is_some_and(|word| !word.begins)
                .then_some(at + 1),
        }
    }
}

/// The keys are hashes already.
#[derive(Debug, Default, Clone)]
pub(crate) struct Identity(u64);

impl std::hash::Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash_bytes(bytes);
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

type Plain = std::hash::BuildHasherDefault<Identity>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_follow_is_looked_at() {
        let file = "legal 0.5: ^ !2(x) a =b !2(c|d) ~1 e\nlegal 0.5: =f $";
        let Ok(cues) = Cues::parse(&[("test.cues", file)]) else {
            unreachable!("the file is right");
        };
        let finds = |text: &str| {
            let mut tokens = TokenBuffer::default();
            tokens.read(text);
            cues.find(&tokens, &mut CueBuffer::default())[Signal::Legal as usize].count
        };
        assert_eq!(finds("a b e"), 1);
        assert_eq!(finds("a b g e"), 1);
        assert_eq!(finds("a b c e"), 0);
        assert_eq!(finds("g a b e"), 0);
        assert_eq!(finds("g f"), 1);
        assert_eq!(finds("f g"), 0);
        assert_eq!(finds("f\ng"), 1);
    }
}
