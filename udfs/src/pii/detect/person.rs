//! Names of persons, where the text itself says that a name follows. Names without such a cue are
//! not found: without a model that reads names, capitals alone are wrong more often than right.

use std::sync::LazyLock;

use regex::Regex;

use super::super::entity::Entity;
use super::super::kind::EntityKind;

/// A cue, then the name as the group `name`.
struct Form {
    pattern: LazyLock<Option<Regex>>,
    score: f64,
}

static FORMS: [Form; 5] = [
    // "my name is Ann Lee"
    Form {
        pattern: LazyLock::new(|| {
            Regex::new(
                r"(?:(?i:\bmy (?:full |first |last )?name(?: is|['’]s))|(?i:\b(?:full |first |last |customer )?name):)\s+(?P<name>\p{Lu}[\p{L}'’\-]+(?:\s+\p{Lu}[\p{L}'’\-]+){0,2})",
            )
            .ok()
        }),
        score: 0.9,
    },
    // "my name is ann"
    Form {
        pattern: LazyLock::new(|| {
            Regex::new(r"(?i:\bmy (?:full |first |last )?name(?: is|['’]s))\s+(?P<name>\p{Ll}{2,})")
                .ok()
        }),
        score: 0.6,
    },
    // "I am Ann Lee", "this is Ann Lee from": two capitals, one is too often an adjective.
    Form {
        pattern: LazyLock::new(|| {
            Regex::new(
                r"\b(?:I am|I['’]m|i am|i['’]m|[Tt]his is)\s+(?P<name>\p{Lu}\p{Ll}[\p{L}'’\-]*\s+\p{Lu}\p{Ll}[\p{L}'’\-]*)",
            )
            .ok()
        }),
        score: 0.6,
    },
    // "Mrs. Lee"
    Form {
        pattern: LazyLock::new(|| {
            Regex::new(
                r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Herr|Frau|Monsieur|Madame)\.?\s+(?P<name>\p{Lu}\p{Ll}[\p{L}'’\-]*(?:\s+\p{Lu}\p{Ll}[\p{L}'’\-]*)?)",
            )
            .ok()
        }),
        score: 0.8,
    },
    // "Kind regards,⏎Ann Lee"
    Form {
        pattern: LazyLock::new(|| {
            Regex::new(
                r"(?m)(?i:regards|sincerely|cheers|best wishes|many thanks|yours truly)[,.!]?[ \t]*\r?\n\s*(?P<name>\p{Lu}\p{Ll}[\p{L}'’\-]*(?:[ \t]+\p{Lu}[\p{L}'’.\-]*){0,2})[ \t]*\r?$",
            )
            .ok()
        }),
        score: 0.7,
    },
];

/// Words that follow these cues without being names.
const NO_NAMES: [&str; 34] = [
    "not",
    "on",
    "in",
    "the",
    "is",
    "spelled",
    "spelt",
    "wrong",
    "misspelled",
    "incorrect",
    "and",
    "or",
    "still",
    "listed",
    "already",
    "missing",
    "very",
    "so",
    "really",
    "customer",
    "support",
    "service",
    "team",
    "care",
    "never",
    "now",
    "also",
    "no",
    "showing",
    "different",
    "correct",
    "under",
    "just",
    "still",
];

pub(super) fn find(text: &str, found: &mut Vec<Entity>) {
    for form in &FORMS {
        for groups in form
            .pattern
            .iter()
            .flat_map(|pattern| pattern.captures_iter(text))
        {
            let Some(name) = groups.name("name") else {
                continue;
            };
            let mut words = name.as_str().split_whitespace();
            let is_name = words.all(|word| !NO_NAMES.contains(&word.to_lowercase().as_str()));
            if is_name {
                found.push(Entity::new(EntityKind::Person, name.range(), form.score));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        find(text, &mut found);
        found
            .into_iter()
            .map(|entity| &text[entity.bytes])
            .collect()
    }

    #[test]
    fn a_cue_makes_a_name() {
        assert!(FORMS.iter().all(|form| form.pattern.is_some()));
        assert_eq!(names("Hi, my name is Ann O’Neil."), ["Ann O’Neil"]);
        assert_eq!(names("my name is ann and I wait"), ["ann"]);
        assert_eq!(names("I'm Zoë Lee, order 5"), ["Zoë Lee"]);
        assert_eq!(names("Dear Mrs. Lee"), ["Lee"]);
        assert_eq!(names("Kind regards,\nAnn Lee"), ["Ann Lee"]);
    }

    #[test]
    fn other_words_after_a_cue_are_left() {
        assert!(names("my name is spelled wrong").is_empty());
        assert!(names("I am Very Upset").is_empty());
        assert!(names("I'm Frustrated. This is Ridiculous").is_empty());
    }
}
