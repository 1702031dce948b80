//! Telephone numbers: international, North American, national with a leading 0; other digits only
//! after a word that announces a number.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::super::entity::Entity;
use super::super::kind::EntityKind;

/// Largest number of digits with country code (ITU-T E.164).
const MOST_DIGITS: usize = 15;

static INTERNATIONAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:\+|\b00)[1-9][0-9]{0,14}(?:[ .\-/]?\(?[0-9]{1,8}\)?){0,7}").ok()
});

static NORTH_AMERICAN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern =
        r"(?:1[ .\-]?)?(?:\([2-9][0-9]{2}\)[ \-]?|[2-9][0-9]{2}[ .\-])[2-9][0-9]{2}[ .\-][0-9]{4}";
    Regex::new(pattern).ok()
});

static NATIONAL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\(?0[1-9][0-9]{0,4}\)?(?:[ .\-/]?[0-9]{2,8}){1,5}").ok());

static ANNOUNCED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[0-9](?:[ .\-]?[0-9]){6,11}").ok());

static CUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = r"(?ix)
        \b(?: phone | telephone | tel | mobile | cell | cellphone | whatsapp | landline | fax )\b
        [^0-9]{0,24}$
        | \b(?: call | text | ring | reach | contact ) \s+ (?: me | us | him | her | back )\b [^0-9]{0,16}$
        | \b(?: call | dial | ring | text ) \s+ (?: on \s+ | at \s+ | now \s+ )? $";
    Regex::new(pattern).ok()
});

/// "My number is": a number of ten or more digits is a telephone's, a shorter one can be any.
static NUMBER_CUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:my|our|his|her|the) (?:new )?number(?: is|['’]s|:)?[^0-9a-z]{0,4}$").ok()
});

/// What announces another number than a telephone's.
static OTHER_CUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = r"(?ix)
        \b(?: order | ticket | reference | ref | invoice | case | tracking | booking | account | claim )
        \s* (?: id | no | number | num | code )? [\s.:\#]* (?: is \s+ )? $";
    Regex::new(pattern).ok()
});

static DATE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[0-9]{2}[ .\-/][0-9]{2}[ .\-/](?:19|20)?[0-9]{2}\b").ok());

pub(super) fn find(text: &str, found: &mut Vec<Entity>) {
    for place in INTERNATIONAL
        .iter()
        .flat_map(|pattern| pattern.find_iter(text))
    {
        let bytes = shortened(text, place.range(), MOST_DIGITS + 2);
        let digits = count(text, &bytes)
            - if place.as_str().starts_with('+') {
                0
            } else {
                2
            };
        if (8..=MOST_DIGITS).contains(&digits) && is_apart(text, &bytes) {
            found.push(Entity::new(EntityKind::Phone, bytes, 0.95));
        }
    }
    for place in NORTH_AMERICAN
        .iter()
        .flat_map(|pattern| pattern.find_iter(text))
    {
        if is_apart(text, &place.range()) {
            found.push(Entity::new(EntityKind::Phone, place.range(), 0.9));
        }
    }
    for place in NATIONAL.iter().flat_map(|pattern| pattern.find_iter(text)) {
        let bytes = shortened(text, place.range(), 12);
        let is_date = DATE.iter().any(|date| date.is_match(&text[bytes.clone()]));
        if (9..=12).contains(&count(text, &bytes)) && !is_date && is_apart(text, &bytes) {
            found.push(Entity::new(EntityKind::Phone, bytes, 0.7));
        }
    }
    for place in ANNOUNCED.iter().flat_map(|pattern| pattern.find_iter(text)) {
        let before = super::before(text, place.start(), 48);
        let is_long = count(text, &place.range()) >= 10;
        let is_announced = CUE.iter().any(|cue| cue.is_match(before))
            || is_long && NUMBER_CUE.iter().any(|cue| cue.is_match(before));
        if is_announced && is_apart(text, &place.range()) {
            found.push(Entity::new(EntityKind::Phone, place.range(), 0.75));
        }
    }
}

/// `bytes` without the last groups, so that at most `most` digits are left: a list of numbers may
/// follow.
fn shortened(text: &str, mut bytes: Range<usize>, most: usize) -> Range<usize> {
    while count(text, &bytes) > most {
        let piece = &text[bytes.clone()];
        let Some(cut) = piece.rfind([' ', '.', '-', '/', '(']) else {
            return bytes;
        };
        bytes.end = bytes.start + cut;
    }
    let kept = text[bytes.clone()].trim_end_matches([' ', '.', '-', '/', '(']);
    bytes.start..bytes.start + kept.len()
}

fn count(text: &str, bytes: &Range<usize>) -> usize {
    text[bytes.clone()]
        .bytes()
        .filter(u8::is_ascii_digit)
        .count()
}

/// Whether the digits are not a part of a longer number or of an identifier, nor announced as one.
fn is_apart(text: &str, bytes: &Range<usize>) -> bool {
    let announced = super::before(text, bytes.start, 32);
    if OTHER_CUE.iter().any(|cue| cue.is_match(announced)) {
        return false;
    }
    let before = text[..bytes.start].chars().next_back();
    let after = text[bytes.end..].chars().next();
    let is_tied = |c: char| c.is_alphanumeric() || matches!(c, '#' | '_' | '$' | '€' | '£' | '%');
    !before.is_some_and(is_tied) && !after.is_some_and(is_tied)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phones(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        find(text, &mut found);
        let found = super::super::without_overlaps(found);
        found
            .into_iter()
            .map(|entity| &text[entity.bytes])
            .collect()
    }

    #[test]
    fn number_plans_are_known() {
        assert!(INTERNATIONAL.is_some() && NORTH_AMERICAN.is_some() && NATIONAL.is_some());
        assert!(
            ANNOUNCED.is_some()
                && CUE.is_some()
                && NUMBER_CUE.is_some()
                && DATE.is_some()
                && OTHER_CUE.is_some()
        );
        assert_eq!(phones("call +44 20 7946 0958 now"), ["+44 20 7946 0958"]);
        assert_eq!(
            phones("(555) 234-5678 or 212.555.0123"),
            ["(555) 234-5678", "212.555.0123"]
        );
        assert_eq!(phones("Tel. 030/1234567"), ["030/1234567"]);
        assert_eq!(phones("text me at 2125550123"), ["2125550123"]);
        assert_eq!(phones("My number is 2125550123"), ["2125550123"]);
        assert_eq!(phones("call 2125550123"), ["2125550123"]);
        assert!(phones("my number is 2125550").is_empty());
        assert_eq!(phones("0049 30 1234567"), ["0049 30 1234567"]);
    }

    #[test]
    fn orders_dates_and_prices_are_no_numbers() {
        assert!(phones("order 2125550123 of 01.02.2024 10 for 1200 2000").is_empty());
        assert!(phones("invoice #212-555-0123").is_empty());
        assert!(phones("Order ID: 212-555-0123").is_empty());
        assert!(phones("2024-01-15 10:30").is_empty());
    }
}
