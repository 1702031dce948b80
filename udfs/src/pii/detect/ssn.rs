//! Social security numbers of the United States: the ranges that the administration gives out.

use std::sync::LazyLock;

use regex::Regex;

use super::super::entity::Entity;
use super::super::kind::EntityKind;

static GROUPED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(\d{3})([- ])(\d{2})([- ])(\d{4})").ok());

static BARE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(\d{3})(\d{2})(\d{4})").ok());

static CUE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\bssn\b|social[ -]security").ok());

pub(super) fn find(text: &str, found: &mut Vec<Entity>) {
    for groups in GROUPED
        .iter()
        .flat_map(|pattern| pattern.captures_iter(text))
    {
        let (whole, [area, first, group, second, serial]) = groups.extract();
        let bytes = range(text, whole);
        if first == second
            && is_given_out(area, group, serial)
            && super::stands_alone(text, bytes.start, bytes.end)
        {
            let score = if first == "-" { 0.9 } else { 0.7 };
            found.push(Entity::new(EntityKind::Ssn, bytes, score));
        }
    }
    for groups in BARE.iter().flat_map(|pattern| pattern.captures_iter(text)) {
        let (whole, [area, group, serial]) = groups.extract();
        let bytes = range(text, whole);
        if is_given_out(area, group, serial)
            && super::stands_alone(text, bytes.start, bytes.end)
            && CUE
                .iter()
                .any(|cue| cue.is_match(super::before(text, bytes.start, 40)))
        {
            found.push(Entity::new(EntityKind::Ssn, bytes, 0.9));
        }
    }
}

fn is_given_out(area: &str, group: &str, serial: &str) -> bool {
    !matches!(area, "000" | "666") && !area.starts_with('9') && group != "00" && serial != "0000"
}

/// The byte range of `piece`, which is a slice of `text`.
fn range(text: &str, piece: &str) -> std::ops::Range<usize> {
    let start = piece.as_ptr() as usize - text.as_ptr() as usize;
    start..start + piece.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ranges_in_use_count() {
        let count = |text: &str| {
            let mut found = Vec::new();
            find(text, &mut found);
            found.len()
        };
        assert!(GROUPED.is_some() && BARE.is_some() && CUE.is_some());
        assert_eq!(count("ssn 123-45-6789"), 1);
        assert_eq!(count("666-45-6789 and 900-45-6789 and 123-00-6789"), 0);
        assert_eq!(count("my social security number is 123456789"), 1);
        assert_eq!(count("order 123456789"), 0);
        assert_eq!(count("1123-45-67890"), 0);
    }
}
