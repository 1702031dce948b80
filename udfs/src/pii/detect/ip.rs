//! Addresses of machines: IPv4 and IPv6, as the standard library reads them.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use regex::Regex;

use super::super::entity::Entity;
use super::super::kind::EntityKind;

static FOUR: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}").ok());

static SIX: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*").ok());

static VERSION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)(?:\bv\.?|(?:version|release|build|firmware)[ :.]*)$").ok());

pub(super) fn find(text: &str, found: &mut Vec<Entity>) {
    for place in FOUR.iter().flat_map(|pattern| pattern.find_iter(text)) {
        let before = super::before(text, place.start(), 12);
        let is_version = VERSION.iter().any(|version| version.is_match(before));
        let goes_on = text[place.end()..]
            .strip_prefix('.')
            .and_then(|rest| rest.chars().next());
        let is_part = before.ends_with('.') || goes_on.is_some_and(|c| c.is_ascii_digit());
        if !is_version
            && !is_part
            && super::stands_alone(text, place.start(), place.end())
            && place.as_str().parse::<Ipv4Addr>().is_ok()
        {
            found.push(Entity::new(EntityKind::Ip, place.range(), 0.9));
        }
    }
    for place in SIX.iter().flat_map(|pattern| pattern.find_iter(text)) {
        let trimmed = place.as_str().trim_end_matches('.');
        let bytes = place.start()..place.start() + trimmed.len();
        // "a::b" and "::" are addresses too, but in a message they are not meant as one.
        let is_long = trimmed.bytes().filter(u8::is_ascii_digit).count() >= 1 && trimmed.len() >= 6;
        if is_long
            && super::stands_alone(text, bytes.start, bytes.end)
            && trimmed.parse::<Ipv6Addr>().is_ok()
        {
            found.push(Entity::new(EntityKind::Ip, bytes, 0.9));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_times_are_no_addresses() {
        let count = |text: &str| {
            let mut found = Vec::new();
            find(text, &mut found);
            found.len()
        };
        assert!(FOUR.is_some() && SIX.is_some() && VERSION.is_some());
        assert_eq!(count("from 192.168.0.12, twice"), 1);
        assert_eq!(count("I run version 10.4.2.1 since 10:30:15"), 0);
        assert_eq!(count("999.1.1.1 and 1.2.3.4.5"), 0);
        assert_eq!(count("2001:db8::ff00:42:8329 answers"), 1);
        assert_eq!(count("std::vector"), 0);
    }
}
