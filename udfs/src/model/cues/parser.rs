//! Reads pattern files.

use std::collections::HashMap;

use super::{Cues, Element, HashBits, NAMES, Pattern, Signal, Word};
use crate::model::bytes::hash_bytes;
use crate::model::text::{Kind, TokenBuffer};
use crate::model::word_class::is_negation;

#[derive(Debug)]
pub(super) struct Builder {
    pub(super) cues: Cues,
    named: HashMap<String, Vec<String>>,
    sets: HashMap<Vec<String>, u16>,
    /// The sets that each word of the patterns is in.
    sets_of_words: Vec<Vec<u16>>,
    /// The anchor of each pattern.
    anchors: Vec<u16>,
    tokens: TokenBuffer,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            cues: Cues {
                patterns: Vec::new(),
                words: Vec::new(),
                places: HashMap::default(),
                known: HashBits::default(),
                sets: Vec::new(),
                needed: Vec::new(),
                set_words: 0,
            },
            named: HashMap::new(),
            sets: HashMap::new(),
            sets_of_words: Vec::new(),
            anchors: Vec::new(),
            tokens: TokenBuffer::default(),
        }
    }
}

impl Builder {
    pub(super) fn line(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() {
            return Ok(());
        }
        if let Some(definition) = line.strip_prefix('@') {
            let (name, words) = definition.split_once('=').ok_or("a set needs `=`")?;
            let mut members = Vec::new();
            for word in words.split_whitespace() {
                self.expand(word, &mut members)?;
            }
            self.named.insert(name.trim().to_owned(), members);
            return Ok(());
        }
        let (head, pattern) = line
            .split_once(':')
            .ok_or("a pattern needs `signal weight:`")?;
        let mut head = head.split_whitespace();
        let name = head.next().ok_or("a pattern needs a signal")?;
        let signal = NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, signal)| *signal)
            .ok_or_else(|| format!("unknown signal {name}"))?;
        let weight = number(head.next())?;
        let asked = match head.next() {
            Some("ask") => number(head.next())?,
            Some(other) => return Err(format!("unexpected {other}")),
            None => weight,
        };
        self.pattern(signal, weight, asked, pattern)
    }

    fn pattern(
        &mut self,
        signal: Signal,
        weight: f32,
        asked: f32,
        text: &str,
    ) -> Result<(), String> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let anchor_at = parts
            .iter()
            .position(|part| part.starts_with('='))
            .or_else(|| parts.iter().position(|part| takes_words(part)))
            .ok_or("an empty pattern")?;
        let mut elements = Vec::new();
        for part in &parts {
            elements.push(self.element(part.trim_start_matches('='))?);
        }
        let Element::Set {
            set: anchor,
            optional: false,
        } = elements[anchor_at]
        else {
            return Err("the anchor must be words that are there".to_owned());
        };
        let mut before: Vec<Element> = elements[..anchor_at].to_vec();
        before.reverse();
        let after = elements[anchor_at + 1..].to_vec();
        let mut words = Vec::new();
        for part in parts
            .iter()
            .filter(|part| takes_words(part) && !part.contains("@not"))
        {
            self.expand(
                part.trim_start_matches('=').trim_end_matches('?'),
                &mut words,
            )?;
        }
        let negates = elements.iter().any(|e| matches!(e, Element::Not { .. }))
            || words.iter().any(|word| is_negation(word.as_bytes()));
        let index = u16::try_from(self.cues.patterns.len()).map_err(|e| e.to_string())?;
        self.cues.patterns.push(Pattern {
            signal,
            weight,
            asked,
            negates,
            before,
            after,
        });
        self.anchors.push(anchor);
        for (word, sets) in self.cues.words.iter_mut().zip(&self.sets_of_words) {
            if sets.contains(&anchor) {
                word.anchors.push(index);
            }
        }
        Ok(())
    }

    /// The patterns with what is looked up by set.
    pub(super) fn finish(self) -> Cues {
        let mut cues = self.cues;
        cues.set_words = self.sets.len().div_ceil(64).max(1);
        let row_of = |sets: &mut dyn Iterator<Item = u16>| {
            let mut row = vec![0; cues.set_words];
            sets.for_each(|set| row[usize::from(set) / 64] |= 1 << (set % 64));
            row
        };
        for sets in &self.sets_of_words {
            cues.sets.extend(row_of(&mut sets.iter().copied()));
        }
        for (pattern, anchor) in cues.patterns.iter().zip(&self.anchors) {
            let elements = pattern.before.iter().chain(&pattern.after);
            let needed = elements.filter_map(|element| match element {
                Element::Set {
                    set,
                    optional: false,
                } => Some(*set),
                _ => None,
            });
            cues.needed
                .extend(row_of(&mut needed.chain(std::iter::once(*anchor))));
        }
        cues
    }

    fn element(&mut self, part: &str) -> Result<Element, String> {
        if let Some(reach) = part.strip_prefix('~') {
            return reach
                .parse()
                .map(Element::Gap)
                .map_err(|_| format!("bad gap {part}"));
        }
        if matches!(part, "^" | "$") {
            return Ok(Element::Edge);
        }
        if let Some(rest) = part.strip_prefix('!') {
            let words = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            let reach = match &rest[..rest.len() - words.len()] {
                "" => 1,
                digits => digits.parse().map_err(|_| format!("bad reach {part}"))?,
            };
            let set = self.set(words)?;
            return Ok(Element::Unless { set, reach });
        }
        let (part, optional) = match part.strip_suffix('?') {
            Some(part) => (part, true),
            None => (part, false),
        };
        if part == "@not" {
            return Ok(Element::Not { optional });
        }
        let set = self.set(part)?;
        Ok(Element::Set { set, optional })
    }

    /// The number of the set of the words that a part stands for.
    fn set(&mut self, part: &str) -> Result<u16, String> {
        let mut members = Vec::new();
        self.expand(part, &mut members)?;
        members.sort();
        members.dedup();
        let next = u16::try_from(self.sets.len()).map_err(|e| e.to_string())?;
        let set = *self.sets.entry(members.clone()).or_insert(next);
        if set == next {
            for member in &members {
                let hash = hash_bytes(member.as_bytes());
                let words = &mut self.cues.words;
                let sets = &mut self.sets_of_words;
                let place = *self.cues.places.entry(hash).or_insert_with(|| {
                    words.push(Word::default());
                    sets.push(Vec::new());
                    words.len() as u32 - 1
                });
                sets[place as usize].push(set);
                self.cues.known.insert(hash);
            }
        }
        Ok(set)
    }

    /// Adds the words that a part stands for: a word, `@set` or `(a|b)`.
    fn expand(&mut self, part: &str, members: &mut Vec<String>) -> Result<(), String> {
        if let Some(inner) = part.strip_prefix('(') {
            let inner = inner
                .strip_suffix(')')
                .ok_or_else(|| format!("`{part}` is not closed"))?;
            return inner
                .split('|')
                .try_for_each(|option| self.expand(option, members));
        }
        if let Some(name) = part.strip_prefix('@') {
            let words = self
                .named
                .get(name)
                .ok_or_else(|| format!("unknown set @{name}"))?;
            members.extend(words.iter().cloned());
            return Ok(());
        }
        self.check(part)?;
        members.push(part.to_owned());
        Ok(())
    }

    /// A word that no text holds as one token of this spelling could never match.
    fn check(&mut self, word: &str) -> Result<(), String> {
        if PLACEHOLDERS.contains(&word) {
            return Ok(());
        }
        self.tokens.read(word);
        match self.tokens.tokens.as_slice() {
            [token]
                if token.kind == Kind::Word && self.tokens.spelling(token) == word.as_bytes() =>
            {
                Ok(())
            }
            _ => Err(format!("no text is read as the word `{word}`")),
        }
    }
}

/// Placeholders of the tokens that a pattern may name.
const PLACEHOLDERS: [&str; 7] = [
    "<num>",
    "<money>",
    "<percent>",
    "<id>",
    "<user>",
    "<email>",
    "<url>",
];

/// Whether a part of a pattern stands for words of the text.
fn takes_words(part: &str) -> bool {
    !part.starts_with(['~', '!', '^', '$'])
}

fn number(text: Option<&str>) -> Result<f32, String> {
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| "a weight is missing".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> String {
        match Cues::parse(&[("test.cues", line)]) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn words_that_no_text_has_are_refused() {
        for word in ["bbb", "2nd", "self-harm", "Word", "a.b"] {
            let error = refused(&format!("legal 0.5: (report|{word})"));
            assert!(error.contains("line 1") && error.contains(word), "{error}");
        }
        assert_eq!(refused("legal 0.5: (report|<num>|wit's|0nd)"), "");
    }
}
