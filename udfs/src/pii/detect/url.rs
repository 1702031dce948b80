//! Web addresses: with a scheme, with www, or a known domain with a path.

use std::sync::LazyLock;

use regex::Regex;

use super::super::entity::Entity;
use super::super::kind::EntityKind;

static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = r#"(?ix)
        (?: https?:// | ftp:// | www\. ) [^\s<>"“”]+
        | (?: [a-z0-9] [a-z0-9\-]* \. )+ (?: com|org|net|io|co|ly|me|app|gl|de|uk|fr|eu|info )
          / [^\s<>"“”]*"#;
    Regex::new(pattern).ok()
});

pub(super) fn find(text: &str, found: &mut Vec<Entity>) {
    for place in ADDRESS.iter().flat_map(|pattern| pattern.find_iter(text)) {
        let trimmed = place
            .as_str()
            .trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', ')', ']']);
        let before = text[..place.start()].chars().next_back();
        // "x@example.org/…" is an address with something behind it.
        let is_part = before.is_some_and(|c| c.is_alphanumeric() || c == '@');
        if !is_part && trimmed.contains('.') {
            let bytes = place.start()..place.start() + trimmed.len();
            found.push(Entity::new(EntityKind::Url, bytes, 1.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_around_is_left_out() {
        let text =
            "(see https://example.org/a?b=c), www.example.com or bit.ly/x1. amazon.com is down";
        let mut found = Vec::new();
        find(text, &mut found);
        let places: Vec<&str> = found
            .into_iter()
            .map(|entity| &text[entity.bytes])
            .collect();
        assert_eq!(
            places,
            ["https://example.org/a?b=c", "www.example.com", "bit.ly/x1"]
        );
    }
}
