//! Postal addresses: house number and street in English, German and French order, post boxes,
//! British postcodes.

use std::sync::LazyLock;

use regex::Regex;

use super::super::entity::Entity;
use super::super::kind::EntityKind;

static STREET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = r"(?x)
        [0-9]{1,5}[A-Za-z]? (?:[-/][0-9]{1,4}[A-Za-z]?)? ,? \s+
        (?P<name> (?: [\p{L}\p{M}0-9'’.\-]+ \s+ ){1,4}? )
        (?P<kind> (?i: street | st | avenue | ave | road | rd | boulevard | blvd | lane | ln
            | drive | dr | court | ct | place | pl | square | sq | terrace | way | highway | hwy
            | parkway | pkwy | crescent | close ) ) \b \.?
        (?: ,? \s+ (?i: apt | apartment | suite | ste | unit | flat | floor | \# ) \.? \s* [0-9]+[A-Za-z]? \b )?
        (?: ,? \s+ \p{Lu}[\p{L}\p{M}'’.\-]+ (?: \s \p{Lu}[\p{L}\p{M}'’.\-]+ )? ,? \s+ [A-Z]{2} ,? \s+ [0-9]{5} (?: -[0-9]{4} )? \b )?";
    Regex::new(pattern).ok()
});

static OTHER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = r"(?x)
        \b (?i: p\.? \s? o\.? \s? box ) \s+ [0-9]{1,7} \b
        | \b \p{Lu}[\p{L}\p{M}.\-]* (?: straße | strasse | str\. | allee | gasse | platz | weg )
          \s [0-9]{1,4} \s? [a-z]? \b (?: ,? \s+ [0-9]{5} \s+ \p{Lu}[\p{L}\p{M}]+ )?
        | \b [0-9]{1,4} (?: \s (?: bis | ter ) )? ,? \s+ (?i: rue | avenue | boulevard | chemin | impasse )
          \s+ (?: (?: de | du | des | la | le | les | l['’] | d['’] ) \s* ){0,3} \p{Lu}[\p{L}\p{M}\-]+
          (?: ,? \s+ [0-9]{5} \s+ \p{Lu}[\p{L}\p{M}]+ )?";
    Regex::new(pattern).ok()
});

static POSTCODE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-BD-HJLNP-UW-Z]{2}").ok());

/// Words that a street's name does not have but "2 days on the road" does.
const SENTENCE_WORDS: [&str; 24] = [
    "the", "a", "an", "on", "in", "at", "of", "to", "my", "your", "and", "or", "for", "days",
    "hours", "minutes", "people", "times", "items", "is", "was", "this", "that", "weeks",
];

/// Words before a drive that is no street: "2 TB hard drive", "Google Drive", "4 wheel drive".
const DRIVES: [&str; 24] = [
    "tb", "gb", "mb", "hard", "disk", "google", "flash", "usb", "thumb", "pen", "wheel", "test",
    "external", "ssd", "solid", "state", "shared", "team", "cloud", "optical", "tape", "network",
    "inch", "one",
];

/// Units that end like a postcode: "MacBook Air M1 8GB".
const UNITS: [&str; 4] = ["GB", "TB", "MB", "KB"];

pub(super) fn find(text: &str, found: &mut Vec<Entity>) {
    for groups in STREET
        .iter()
        .flat_map(|pattern| pattern.captures_iter(text))
    {
        let (Some(whole), Some(name), Some(kind)) =
            (groups.get(0), groups.name("name"), groups.name("kind"))
        else {
            continue;
        };
        let is_street = is_street(name.as_str(), kind.as_str());
        if is_street && super::stands_alone(text, whole.start(), whole.end()) {
            found.push(Entity::new(EntityKind::Address, whole.range(), 0.8));
        }
    }
    for place in OTHER.iter().flat_map(|pattern| pattern.find_iter(text)) {
        if super::stands_alone(text, place.start(), place.end()) {
            found.push(Entity::new(EntityKind::Address, place.range(), 0.8));
        }
    }
    for place in POSTCODE.iter().flat_map(|pattern| pattern.find_iter(text)) {
        let is_size = UNITS.iter().any(|unit| place.as_str().ends_with(unit));
        if !is_size && super::stands_alone(text, place.start(), place.end()) {
            found.push(Entity::new(EntityKind::Address, place.range(), 0.6));
        }
    }
}

/// Capitals show a name. In lower case the kind must be one that says little else, and no word of
/// a sentence may stand before it.
fn is_street(name: &str, kind: &str) -> bool {
    let is_capital =
        |word: &str| word.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit());
    let is_device = kind.eq_ignore_ascii_case("drive")
        && name
            .split_whitespace()
            .any(|word| DRIVES.contains(&word.to_lowercase().as_str()));
    if is_device {
        return false;
    }
    if is_capital(kind) && name.split_whitespace().all(is_capital) {
        return true;
    }
    let kind = kind.to_ascii_lowercase();
    let is_plain = matches!(
        kind.as_str(),
        "street"
            | "st"
            | "avenue"
            | "ave"
            | "road"
            | "rd"
            | "boulevard"
            | "blvd"
            | "lane"
            | "drive"
    );
    is_plain
        && !name.trim().is_empty()
        && name
            .split_whitespace()
            .all(|word| !SENTENCE_WORDS.contains(&word.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        find(text, &mut found);
        found
            .into_iter()
            .map(|entity| &text[entity.bytes])
            .collect()
    }

    #[test]
    fn doors_are_found_in_three_orders() {
        assert!(STREET.is_some() && OTHER.is_some() && POSTCODE.is_some());
        assert_eq!(
            addresses("ship to 12 Main Street, Apt 4 please"),
            ["12 Main Street, Apt 4"]
        );
        assert_eq!(addresses("at 221b baker street"), ["221b baker street"]);
        assert_eq!(
            addresses("1600 Pine Hill Avenue, Springfield, IL 62704"),
            ["1600 Pine Hill Avenue, Springfield, IL 62704"]
        );
        assert_eq!(
            addresses("Hauptstraße 5, 10115 Berlin"),
            ["Hauptstraße 5, 10115 Berlin"]
        );
        assert_eq!(addresses("12 rue de la Paix"), ["12 rue de la Paix"]);
        assert_eq!(addresses("PO Box 1234"), ["PO Box 1234"]);
        assert_eq!(addresses("SW1A 1AA"), ["SW1A 1AA"]);
    }

    #[test]
    fn sentences_with_numbers_are_left() {
        assert!(addresses("2 days on the road, 3 people on the way").is_empty());
        assert!(addresses("5 items in one place").is_empty());
        assert!(addresses("my 2 TB hard drive is broken").is_empty());
        assert!(addresses("I have 15 Google Drive folders, 100 GB Google Drive").is_empty());
        assert!(addresses("a 4 wheel drive and 4 Wheel Drive").is_empty());
        assert!(addresses("MacBook Air M1 8GB").is_empty());
        assert_eq!(addresses("12 Oak Drive"), ["12 Oak Drive"]);
        assert_eq!(addresses("EC1A 1BB"), ["EC1A 1BB"]);
    }
}
