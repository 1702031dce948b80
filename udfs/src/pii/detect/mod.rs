//! The detectors, one a kind, and the choice among what they find.

mod address;
mod card;
mod digits;
mod email;
mod iban;
mod ip;
mod national_id;
mod person;
mod phone;
mod ssn;
mod url;

use std::collections::BTreeMap;

use super::entity::Entity;
use super::kind::{EntityKind, EntityKinds};

/// The entities of `kinds` in `text`, in text order, none over another: of two that overlap the
/// longer stays, of two equally long ones the kind that is listed first in [`EntityKind`].
pub fn find(text: &str, kinds: EntityKinds) -> Vec<Entity> {
    let mut found = Vec::new();
    let signs = Signs::of(text);
    let mut look = |kind: EntityKind, worth: bool, detector: fn(&str, &mut Vec<Entity>)| {
        if worth && kinds.has(kind) {
            detector(text, &mut found);
        }
    };
    look(EntityKind::Iban, signs.digits >= 8, iban::find);
    look(EntityKind::Card, signs.digits >= 13, card::find);
    look(EntityKind::Ssn, signs.digits >= 9, ssn::find);
    look(EntityKind::NationalId, signs.digits >= 6, national_id::find);
    look(
        EntityKind::Email,
        signs.has_dot || signs.has_at,
        email::find,
    );
    look(EntityKind::Ip, signs.has_dot || signs.colons >= 2, ip::find);
    look(
        EntityKind::Url,
        signs.has_dot || signs.colons >= 1,
        url::find,
    );
    look(EntityKind::Phone, signs.digits >= 7, phone::find);
    look(EntityKind::Address, signs.digits >= 1, address::find);
    look(EntityKind::Person, true, person::find);
    without_overlaps(found)
}

/// What a text must have for a detector to be worth its time.
struct Signs {
    digits: usize,
    colons: usize,
    has_at: bool,
    has_dot: bool,
}

impl Signs {
    fn of(text: &str) -> Self {
        let mut signs = Signs {
            digits: 0,
            colons: 0,
            has_at: false,
            has_dot: false,
        };
        for byte in text.bytes() {
            signs.digits += usize::from(byte.is_ascii_digit());
            signs.colons += usize::from(byte == b':');
            signs.has_at |= byte == b'@';
            signs.has_dot |= byte == b'.';
        }
        // "jo at example dot org"
        signs.has_dot |= spells_dot(text);
        signs
    }
}

/// Whether a text spells out a dot, in any case.
fn spells_dot(text: &str) -> bool {
    let forms: [&[u8]; 3] = [b" dot ", b"(dot)", b"[dot]"];
    text.as_bytes()
        .windows(5)
        .any(|window| forms.iter().any(|form| window.eq_ignore_ascii_case(form)))
}

fn without_overlaps(mut found: Vec<Entity>) -> Vec<Entity> {
    found.sort_by(|a, b| {
        let by_length = b.bytes.len().cmp(&a.bytes.len());
        by_length
            .then(a.kind.cmp(&b.kind))
            .then(a.bytes.start.cmp(&b.bytes.start))
    });
    let mut kept: BTreeMap<usize, Entity> = BTreeMap::new();
    for entity in found {
        let (start, end) = (entity.bytes.start, entity.bytes.end);
        let before = kept.range(..start).next_back();
        let after = kept.range(start..).next();
        if before.is_none_or(|(_, other)| other.bytes.end <= start)
            && after.is_none_or(|(other, _)| end <= *other)
        {
            kept.insert(start, entity);
        }
    }
    kept.into_values().collect()
}

/// Whether no letter or digit touches `text[start..end]` from outside.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let after = text[end..].chars().next();
    !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
}

/// The last `bytes` or so of the text before `position`: where a cue is looked for.
fn before(text: &str, position: usize, bytes: usize) -> &str {
    &text[text.floor_char_boundary(position.saturating_sub(bytes))..position]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelt_out_addresses_are_looked_for() {
        for text in [
            "jo [at] example [dot] com",
            "jo (at) example (dot) com",
            "jo AT example DOT com",
        ] {
            let found = find(text, EntityKinds::ALL);
            assert!(
                found.iter().any(|entity| entity.kind == EntityKind::Email),
                "{text}: {found:?}"
            );
        }
    }
}
