//! E-mail addresses, also where "at" and "dot" are spelt out.

use std::sync::LazyLock;

use regex::Regex;

use super::super::entity::Entity;
use super::super::kind::EntityKind;

static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"[\p{L}\p{M}\p{N}._%+'\-]+@[\p{L}\p{M}\p{N}\-]+(?:\.[\p{L}\p{M}\p{N}\-]+)*\.\p{L}{2,24}",
    )
    .ok()
});

static SPELT_OUT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = r"(?ix)
        [a-z0-9._%+\-]+ \s* (?: \( at \) | \[ at \] | \x20at\x20 | @ ) \s*
        [a-z0-9\-]+ \s* (?: \( dot \) | \[ dot \] | \x20dot\x20 ) \s*
        (?: com | org | net | edu | gov | io | co | info | de | fr | es | it | nl | uk | eu )\b";
    Regex::new(pattern).ok()
});

pub(super) fn find(text: &str, found: &mut Vec<Entity>) {
    for place in ADDRESS.iter().flat_map(|pattern| pattern.find_iter(text)) {
        // Signs that stand before the address belong to the sentence.
        let lead = place.len()
            - place
                .as_str()
                .trim_start_matches(['.', '-', '\'', '%'])
                .len();
        let bytes = place.start() + lead..place.end();
        if !text[bytes.clone()].starts_with('@') {
            found.push(Entity::new(EntityKind::Email, bytes, 1.0));
        }
    }
    for place in SPELT_OUT.iter().flat_map(|pattern| pattern.find_iter(text)) {
        found.push(Entity::new(EntityKind::Email, place.range(), 0.7));
    }
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
    fn addresses_end_where_the_sentence_goes_on() {
        assert!(ADDRESS.is_some() && SPELT_OUT.is_some());
        assert_eq!(
            addresses("write to jo.doe+shop@mail.example.org."),
            ["jo.doe+shop@mail.example.org"]
        );
        assert_eq!(
            addresses("'jürgen@müller.example'"),
            ["jürgen@müller.example"]
        );
        assert_eq!(
            addresses("jo at example dot com"),
            ["jo at example dot com"]
        );
        assert_eq!(
            addresses("jo [at] example [dot] com"),
            ["jo [at] example [dot] com"]
        );
        assert!(addresses("thanks @support, room 5 dot com").is_empty());
    }
}
