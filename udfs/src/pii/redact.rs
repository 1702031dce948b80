//! Texts without their personal data.

use std::borrow::Cow;
use std::collections::HashMap;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::detect::find;
use super::entity::Entity;
use super::error::PiiError;
use super::kind::{EntityKind, EntityKinds};

/// How often a redacted text is looked through again: of two finds that overlap one goes, and what
/// is left of the other can be a find of its own. Each pass takes at least one more piece away.
const MOST_PASSES: usize = 16;

/// What stands where an entity was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedactionMode {
    /// Its kind: `[EMAIL]`.
    Entity,
    /// Its kind and a number, the same for the same value within the text: `[EMAIL_1]`.
    Numbered,
    /// Its kind and sixteen letters that depend on the value alone: `[EMAIL_kgbdpmfhcjonlaei]`.
    ///
    /// The same value gives the same letters in every text, so that rows can be joined; who can
    /// guess a value can confirm it. This is a pseudonym, it does not make a text anonymous.
    Hash,
    /// Nothing.
    Remove,
}

impl FromStr for RedactionMode {
    type Err = PiiError;

    /// The mode of a name in any case.
    fn from_str(name: &str) -> Result<Self, PiiError> {
        match name.trim().to_ascii_lowercase().as_str() {
            "entity" => Ok(RedactionMode::Entity),
            "numbered" => Ok(RedactionMode::Numbered),
            "hash" => Ok(RedactionMode::Hash),
            "remove" => Ok(RedactionMode::Remove),
            _ => Err(PiiError::UnknownMode {
                name: name.to_owned(),
            }),
        }
    }
}

/// `text` with its entities of `kinds` replaced; nothing with a checksum that [`find`] would find is
/// left.
///
/// What is left of a find that lost against another one is looked for again, among the placeholders
/// of the first: words that a removal would bring together never make a find. Placeholders are
/// taken away last.
pub fn redact(text: &str, kinds: EntityKinds, mode: RedactionMode) -> Cow<'_, str> {
    if mode == RedactionMode::Remove {
        return removed(text, kinds);
    }
    let mut redacted = Cow::Borrowed(text);
    let mut numbers = Numbers::default();
    for _ in 0..MOST_PASSES {
        let entities = find(&redacted, kinds);
        if entities.is_empty() {
            break;
        }
        redacted = Cow::Owned(replace(&redacted, &entities, mode, &mut numbers));
    }
    redacted
}

/// `text` without its entities. A character that no text has stands for them until the end, so
/// that a placeholder of the author's is kept.
fn removed(text: &str, kinds: EntityKinds) -> Cow<'_, str> {
    let mut marked = Cow::Borrowed(text);
    for pass in 0..MOST_PASSES {
        let entities = find(&marked, kinds);
        if entities.is_empty() {
            if pass == 0 {
                return marked;
            }
            break;
        }
        let mut next = String::with_capacity(marked.len());
        let mut done = 0;
        for entity in &entities {
            next.push_str(&marked[done..entity.bytes.start]);
            next.push_str(GAP);
            done = entity.bytes.end;
        }
        next.push_str(&marked[done..]);
        marked = Cow::Owned(next);
    }
    let mut plain = marked.replace(GAP, "");
    // Digits that a removal brought together can be a number with a checksum by chance.
    let checked = checked_kinds(kinds);
    for _ in 0..MOST_PASSES {
        let entities = find(&plain, checked);
        if entities.is_empty() {
            break;
        }
        for entity in entities.iter().rev() {
            plain.replace_range(entity.bytes.clone(), "");
        }
    }
    Cow::Owned(plain)
}

/// Stands for a removed entity: brackets like those of the other modes around a character of the
/// private use area.
const GAP: &str = "[\u{f8ff}]";

/// Those of `kinds` that a checksum tells from other digits.
fn checked_kinds(kinds: EntityKinds) -> EntityKinds {
    [EntityKind::Iban, EntityKind::Card, EntityKind::NationalId]
        .into_iter()
        .filter(|kind| kinds.has(*kind))
        .fold(EntityKinds::NONE, EntityKinds::with)
}

fn replace(text: &str, entities: &[Entity], mode: RedactionMode, numbers: &mut Numbers) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut done = 0;
    for entity in entities {
        let name = entity.kind.name();
        redacted.push_str(&text[done..entity.bytes.start]);
        done = entity.bytes.end;
        redacted.push('[');
        redacted.push_str(name);
        let value = &text[entity.bytes.clone()];
        match mode {
            RedactionMode::Numbered => {
                redacted.push('_');
                redacted.push_str(&numbers.number(entity.kind, value).to_string());
            }
            RedactionMode::Hash => {
                redacted.push('_');
                redacted.extend(pseudonym(entity.kind, value));
            }
            RedactionMode::Entity | RedactionMode::Remove => {}
        }
        redacted.push(']');
    }
    redacted.push_str(&text[done..]);
    redacted
}

/// Numbers of the values of a text, by kind, in the order in which they come.
#[derive(Debug, Default)]
struct Numbers(HashMap<EntityKind, HashMap<String, usize>>);

impl Numbers {
    fn number(&mut self, kind: EntityKind, value: &str) -> usize {
        let values = self.0.entry(kind).or_default();
        let next = values.len() + 1;
        *values.entry(normal(value)).or_insert(next)
    }
}

/// The letters that stand for a value. No digits: they could read as a number again.
fn pseudonym(kind: EntityKind, value: &str) -> impl Iterator<Item = char> {
    let mut hash = Sha256::new();
    hash.update(kind.name());
    hash.update([0]);
    hash.update(normal(value));
    let hash = hash.finalize();
    let letters = hash.iter().take(8).flat_map(|byte| [byte >> 4, byte & 15]);
    letters
        .map(|half| char::from(b'a' + half))
        .collect::<Vec<_>>()
        .into_iter()
}

/// A value without what spellings of it differ in: case, spaces, separators.
fn normal(value: &str) -> String {
    let telling = |c: &char| c.is_alphanumeric() || matches!(c, '@' | '.' | '_' | '+' | ':' | '/');
    let kept = value.chars().filter(telling);
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str, mode: RedactionMode) -> String {
        redact(text, EntityKinds::ALL, mode).into_owned()
    }

    #[test]
    fn modes_differ_in_what_they_leave() {
        let text = "from jo@example.org to ann@example.org, again JO@example.org";
        assert_eq!(
            redacted(text, RedactionMode::Entity),
            "from [EMAIL] to [EMAIL], again [EMAIL]"
        );
        assert_eq!(
            redacted(text, RedactionMode::Numbered),
            "from [EMAIL_1] to [EMAIL_2], again [EMAIL_1]"
        );
        assert_eq!(redacted(text, RedactionMode::Remove), "from  to , again ");
        let hashed = redacted(text, RedactionMode::Hash);
        let names: Vec<&str> = hashed.split(['[', ']']).skip(1).step_by(2).collect();
        assert_eq!(names.len(), 3);
        assert_eq!(names[0], names[2]);
        assert_ne!(names[0], names[1]);
    }

    #[test]
    fn a_removal_makes_no_new_finds() {
        // What a removal brings together is no find of its own.
        let text = "my name is Ann Lee Green and I wait";
        let left = redacted(text, RedactionMode::Remove);
        assert_eq!(left, "my name is  and I wait");
        let text = "my name is anna and I am waiting. mail jo@example.org now";
        let left = redacted(text, RedactionMode::Remove);
        assert_eq!(left, "my name is  and I am waiting. mail  now");
    }
}
