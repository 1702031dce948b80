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

// A letter can be followed by its accent as a character of its own (`\p{M}`).
static FORMS: [Form; 5] = [
    // "my name is Ann Lee", "Name: Ann Lee"
    Form {
        pattern: LazyLock::new(|| {
            Regex::new(
                r"(?:(?i:\bmy (?:full |first |last )?name(?: is|['’]s))|(?i:\b(?:full |first |last |customer )?name):)\s+(?P<name>\p{Lu}[\p{L}\p{M}'’\-]+(?:\s+\p{Lu}[\p{L}\p{M}'’\-]+){0,2})",
            )
            .ok()
        }),
        score: 0.9,
    },
    // "my name is ann", "my name is ann lee"
    Form {
        pattern: LazyLock::new(|| {
            Regex::new(
                r"(?i:\bmy (?:full |first |last )?name(?: is|['’]s))\s+(?P<name>\p{L}[\p{L}\p{M}'’\-]+(?:[ \t]+\p{L}[\p{L}\p{M}'’\-]+){0,2})",
            )
            .ok()
        }),
        score: 0.6,
    },
    // "I am Ann Lee", "this is Ann Lee from": two capitals, one is too often an adjective.
    Form {
        pattern: LazyLock::new(|| {
            Regex::new(
                r"\b(?:I am|I['’]m|i am|i['’]m|[Tt]his is)\s+(?P<name>\p{Lu}\p{M}*\p{Ll}[\p{L}\p{M}'’\-]*\s+\p{Lu}\p{M}*\p{Ll}[\p{L}\p{M}'’\-]*)",
            )
            .ok()
        }),
        score: 0.6,
    },
    // "Mrs. Lee"
    Form {
        pattern: LazyLock::new(|| {
            Regex::new(
                r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Herr|Frau|Monsieur|Madame)\.?\s+(?P<name>\p{Lu}\p{M}*\p{Ll}[\p{L}\p{M}'’\-]*(?:\s+\p{Lu}\p{M}*\p{Ll}[\p{L}\p{M}'’\-]*)?)",
            )
            .ok()
        }),
        score: 0.8,
    },
    // "Kind regards,⏎Ann Lee"
    Form {
        pattern: LazyLock::new(|| {
            Regex::new(
                r"(?m)(?i:regards|sincerely|cheers|best wishes|many thanks|yours truly)[,.!]?[ \t]*\r?\n\s*(?P<name>\p{Lu}\p{M}*\p{Ll}[\p{L}\p{M}'’\-]*(?:[ \t]+\p{Lu}[\p{L}\p{M}'’.\-]*){0,2})[ \t]*\r?$",
            )
            .ok()
        }),
        score: 0.7,
    },
];

/// Words before "name:" that say it is not a person's.
const THINGS: [&str; 24] = [
    "product", "company", "file", "user", "domain", "brand", "business", "item", "plan", "host",
    "store", "shop", "hotel", "model", "event", "project", "team", "app", "pet", "street", "city",
    "bank", "server", "display",
];

/// How somebody says to be, in the place of a name: "I am Extremely Disappointed".
const MOODS: [&str; 40] = [
    "extremely",
    "totally",
    "completely",
    "absolutely",
    "highly",
    "deeply",
    "terribly",
    "thoroughly",
    "truly",
    "currently",
    "seriously",
    "incredibly",
    "utterly",
    "beyond",
    "quite",
    "too",
    "disappointed",
    "frustrated",
    "upset",
    "angry",
    "annoyed",
    "unhappy",
    "happy",
    "sorry",
    "tired",
    "confused",
    "shocked",
    "disgusted",
    "furious",
    "dissatisfied",
    "sure",
    "unable",
    "waiting",
    "looking",
    "trying",
    "writing",
    "calling",
    "having",
    "getting",
    "a",
];

/// Words with which a sentence goes on after a name in lower case.
const GOES_ON: [&str; 66] = [
    "i", "im", "i'm", "i’m", "i've", "i’ve", "my", "but", "from", "with", "a", "an", "please",
    "can", "could", "was", "want", "need", "have", "has", "had", "here", "calling", "writing",
    "what", "how", "why", "when", "where", "who", "you", "your", "thanks", "thank", "order",
    "account", "email", "phone", "number", "to", "for", "of", "at", "this", "that", "it", "we",
    "our", "because", "as", "am", "are", "looking", "trying", "having", "if", "do", "does", "did",
    "help", "hello", "hi", "by", "after", "since", "there",
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
            let (Some(whole), Some(name)) = (groups.get(0), groups.name("name")) else {
                continue;
            };
            if is_of_a_thing(text, whole.start()) {
                continue;
            }
            let length = name_length(name.as_str());
            if length > 0 {
                let bytes = name.start()..name.start() + length;
                found.push(Entity::new(EntityKind::Person, bytes, form.score));
            }
        }
    }
}

/// Whether the word before a cue says that the name is a thing's: "Product name: Blue Widget".
fn is_of_a_thing(text: &str, cue: usize) -> bool {
    let last = super::before(text, cue, 24).split_whitespace().next_back();
    last.is_some_and(|word| THINGS.contains(&word.to_lowercase().as_str()))
}

/// The length of the name at the start of `words`, in bytes: up to the word with which the sentence
/// goes on; 0 where a word says that there is no name.
fn name_length(words: &str) -> usize {
    let mut length = 0;
    for word in words.split_whitespace() {
        let lower = word.to_lowercase();
        if GOES_ON.contains(&lower.as_str()) && length > 0 {
            break;
        }
        if NO_NAMES.contains(&lower.as_str()) || MOODS.contains(&lower.as_str()) {
            // "ann and …" is a name with more behind it, "Very Upset" is none.
            let goes_on = length > 0 && word.chars().all(char::is_lowercase);
            return if goes_on { length } else { 0 };
        }
        length = word.as_ptr() as usize - words.as_ptr() as usize + word.len();
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        find(text, &mut found);
        super::super::without_overlaps(found)
            .into_iter()
            .map(|entity| &text[entity.bytes])
            .collect()
    }

    #[test]
    fn a_cue_makes_a_name() {
        assert!(FORMS.iter().all(|form| form.pattern.is_some()));
        assert_eq!(names("Hi, my name is Ann O’Neil."), ["Ann O’Neil"]);
        assert_eq!(names("my name is ann and I wait"), ["ann"]);
        assert_eq!(names("my name is john smith"), ["john smith"]);
        assert_eq!(names("my name is John smith, order 5"), ["John smith"]);
        assert_eq!(
            names("my name is john smith and i need help"),
            ["john smith"]
        );
        assert_eq!(names("my name is john i need help"), ["john"]);
        // The accent as a character of its own.
        let accented = "my name is Jose\u{301} Nu\u{303}nez";
        assert_eq!(names(accented), ["Jose\u{301} Nu\u{303}nez"]);
        assert_eq!(names("I'm Zoë Lee, order 5"), ["Zoë Lee"]);
        assert_eq!(names("Dear Mrs. Lee"), ["Lee"]);
        assert_eq!(names("Kind regards,\nAnn Lee"), ["Ann Lee"]);
    }

    #[test]
    fn other_words_after_a_cue_are_left() {
        assert!(names("my name is spelled wrong").is_empty());
        assert!(names("I am Very Upset").is_empty());
        assert!(names("I am Extremely Disappointed").is_empty());
        assert!(names("Product name: Blue Widget").is_empty());
        assert!(names("I'm Frustrated. This is Ridiculous").is_empty());
    }
}
