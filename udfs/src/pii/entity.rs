//! A find in a text.

use std::ops::Range;

use super::kind::EntityKind;

/// A piece of personal data in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// What it is.
    pub kind: EntityKind,
    /// Where it is, in bytes.
    pub bytes: Range<usize>,
    /// How sure it is, 0..1: 1 for a checksum or an unmistakable form, less for a rule of thumb.
    pub score: f64,
}

impl Entity {
    pub(super) fn new(kind: EntityKind, bytes: Range<usize>, score: f64) -> Self {
        Entity { kind, bytes, score }
    }
}

/// Where the entities of `text`, in text order, are in characters: from 0, end exclusive.
pub fn character_ranges(text: &str, entities: &[Entity]) -> Vec<Range<usize>> {
    let mut counted = 0;
    let mut characters = 0;
    let mut advance = |to: usize| {
        characters += text
            .get(counted..to)
            .map_or(0, |piece| piece.chars().count());
        counted = to;
        characters
    };
    entities
        .iter()
        .map(|entity| advance(entity.bytes.start)..advance(entity.bytes.end))
        .collect()
}
