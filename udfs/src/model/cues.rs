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
use super::text::{Kind, TokenBuffer};
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
    /// Of each word a bit for every set that it is in: rows of `set_words` numbers.
    sets: Vec<u64>,
    /// Of each pattern likewise the sets of which it needs a word, and its anchor is one.
    needed: Vec<u64>,
    /// Numbers that hold a bit for every set.
    set_words: usize,
}

/// A word of the patterns.
#[derive(Debug, Default)]
struct Word {
    /// The patterns that it anchors.
    anchors: Vec<u16>,
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
    /// Of these the ones that anchor a pattern.
    anchors: Vec<usize>,
    /// A bit for every set of which the text has a word.
    present: Vec<u64>,
}

/// A word or placeholder of a text.
#[derive(Debug, Clone, Copy)]
struct CueWord {
    /// Index of the token.
    token: u32,
    /// Its place among the words of the patterns; [`UNKNOWN`].
    place: u32,
    /// Whether a sentence begins with it.
    begins: bool,
    /// Whether its sentence asks.
    asks: bool,
    /// Whether it is a negating word.
    negates: bool,
}

/// A word that no pattern knows.
const UNKNOWN: u32 = u32::MAX;

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
        Ok(builder.finish())
    }

    /// Splits a text into words and sentences. A sentence asks where it begins like a question or
    /// ends with `?`; this is decided once for all of its words.
    #[inline(always)]
    fn fill(&self, text: &TokenBuffer, buffer: &mut CueBuffer) {
        let CueBuffer {
            words,
            anchors,
            present,
        } = buffer;
        words.clear();
        anchors.clear();
        present.clear();
        present.resize(self.set_words, 0);
        let mut first = 0;
        let mut ended = true;
        let mut asks = false;
        for (index, token) in text.tokens.iter().enumerate() {
            match token.kind {
                Kind::Word | Kind::Placeholder => {
                    if ended {
                        first = words.len();
                        asks = token.class & ASKS != 0;
                    }
                    let mut place = UNKNOWN;
                    if self.known.may_hold(token.hash)
                        && let Some(known) = self.places.get(&token.hash)
                    {
                        place = *known;
                        for (present, sets) in present.iter_mut().zip(self.sets_of(place)) {
                            *present |= sets;
                        }
                        if !self.words[place as usize].anchors.is_empty() {
                            anchors.push(words.len());
                        }
                    }
                    words.push(CueWord {
                        token: index as u32,
                        place,
                        begins: ended,
                        asks,
                        negates: token.class & NEGATES != 0,
                    });
                    ended = false;
                }
                // Of the marks those that end a clause are looked at.
                _ if token.boundary => match text.spelling(token).first() {
                    Some(b'?') => {
                        if !asks {
                            words[first..].iter_mut().for_each(|word| word.asks = true);
                            asks = true;
                        }
                        ended = true;
                    }
                    Some(b'.' | b'!' | b';') => ended = true,
                    _ => {}
                },
                _ => {}
            }
            ended |= token.ends_line;
        }
    }

    /// Looks for every signal in a text.
    pub(crate) fn find(&self, text: &TokenBuffer, buffer: &mut CueBuffer) -> Findings {
        let mut findings = [Found::default(); SIGNALS];
        self.fill(text, buffer);
        let words = buffer.words.as_slice();
        for &at in &buffer.anchors {
            let CueWord {
                token, place, asks, ..
            } = words[at];
            let is_negated = text.tokens[token as usize].negated;
            // The best pattern of each signal counts, once per anchor.
            let mut best = [(0.0f32, 0usize, 0usize); SIGNALS];
            let mut signals = 0u32;
            for &index in &self.words[place as usize].anchors {
                let pattern = &self.patterns[index as usize];
                // Most patterns fail here: a word that they need is nowhere in the text.
                if (is_negated && !pattern.negates) || !self.may_match(index, &buffer.present) {
                    continue;
                }
                let Some((first, last)) = self.matches(pattern, words, at) else {
                    continue;
                };
                let weight = if asks { pattern.asked } else { pattern.weight };
                let slot = &mut best[pattern.signal as usize];
                if weight > slot.0 {
                    *slot = (weight, first, last);
                    signals |= 1 << pattern.signal as u32;
                }
            }
            while signals != 0 {
                let signal = signals.trailing_zeros() as usize;
                signals &= signals - 1;
                let (weight, first, last) = best[signal];
                let found = &mut findings[signal];
                found.count += 1;
                found.strength = 1.0 - (1.0 - found.strength) * (1.0 - weight);
                if weight > found.best {
                    found.best = weight;
                    found.start = text.tokens[words[first].token as usize].source_start;
                    found.end = text.tokens[words[last].token as usize].source_end;
                }
            }
        }
        findings
    }

    /// The sets that the word of a place is in.
    #[inline(always)]
    fn sets_of(&self, place: u32) -> &[u64] {
        &self.sets[place as usize * self.set_words..][..self.set_words]
    }

    /// Whether a text has words of all sets that a pattern needs.
    #[inline(always)]
    fn may_match(&self, pattern: u16, present: &[u64]) -> bool {
        let needed = &self.needed[usize::from(pattern) * self.set_words..][..self.set_words];
        let mut missing = 0;
        for (needed, present) in needed.iter().zip(present) {
            missing |= needed & !present;
        }
        missing == 0
    }

    /// Whether a word of a text is in a set.
    #[inline(always)]
    fn is_in(&self, word: &CueWord, set: u16) -> bool {
        let bit = |sets: &[u64]| sets[usize::from(set) / 64] & (1 << (set % 64)) != 0;
        word.place != UNKNOWN && bit(self.sets_of(word.place))
    }

    /// The first and last word of a match around the anchor at `at`.
    fn matches(&self, pattern: &Pattern, words: &[CueWord], at: usize) -> Option<(usize, usize)> {
        let first = self.walk(&pattern.before, words, at, Direction::Back)?;
        let last = self.walk(&pattern.after, words, at, Direction::Ahead)?;
        Some((first, last))
    }

    /// Matches `elements` outwards from `at`; returns the last word that an element took.
    fn walk(
        &self,
        elements: &[Element],
        words: &[CueWord],
        at: usize,
        direction: Direction,
    ) -> Option<usize> {
        let Some((element, rest)) = elements.split_first() else {
            return Some(at);
        };
        let next = direction.next(words, at);
        let (fits, optional) = match element {
            Element::Set { set, optional } => (
                next.is_some_and(|next| self.is_in(&words[next], *set)),
                *optional,
            ),
            Element::Not { optional } => (next.is_some_and(|next| words[next].negates), *optional),
            Element::Gap(reach) => {
                let mut from = at;
                for step in 0..=*reach {
                    if let Some(end) = self.walk(rest, words, from, direction) {
                        return Some(end);
                    }
                    if step < *reach {
                        from = direction.next(words, from)?;
                    }
                }
                return None;
            }
            Element::Unless { set, reach } => {
                let mut from = at;
                for _ in 0..*reach {
                    match direction.next(words, from) {
                        Some(next) if self.is_in(&words[next], *set) => return None,
                        Some(next) => from = next,
                        None => break,
                    }
                }
                // It takes no word.
                (false, true)
            }
            Element::Edge => (false, next.is_none()),
        };
        if fits
            && let Some(next) = next
            && let Some(end) = self.walk(rest, words, next, direction)
        {
            return Some(end);
        }
        match optional {
            true => self.walk(rest, words, at, direction),
            false => None,
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
