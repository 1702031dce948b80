//! Lists of texts as files write them.

use std::borrow::Cow;

/// The items of a JSON array, of PostgreSQL's `{a,"b,c"}`, or of words with commas between them.
pub(crate) fn words(text: &str) -> Option<Vec<Cow<'static, str>>> {
    let text = text.trim();
    if text.starts_with('[') {
        let values: Vec<String> = serde_json::from_str(text).ok()?;
        return Some(values.into_iter().map(Cow::Owned).collect());
    }
    let braces = match text.strip_prefix('{') {
        Some(rest) => Some(rest.strip_suffix('}')?),
        None => None,
    };
    let mut rest = braces.unwrap_or(text);
    let mut items = Vec::new();
    loop {
        rest = rest.trim_start();
        let (item, after) = match rest.strip_prefix('"') {
            Some(inner) => {
                let (item, after) = quoted(inner)?;
                (item, after.trim_start())
            }
            None => {
                let (item, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
                let item = item.trim();
                // Without quotes it is no text there.
                let null = braces.is_some() && item.eq_ignore_ascii_case("null");
                (
                    if null {
                        String::new()
                    } else {
                        item.to_string()
                    },
                    after,
                )
            }
        };
        if !item.is_empty() {
            items.push(Cow::Owned(item));
        }
        rest = match (after.strip_prefix(','), after.is_empty()) {
            (Some(rest), _) => rest,
            (None, true) => return Some(items),
            (None, false) => return None,
        };
    }
}

/// A text up to its closing quote, and what follows. A backslash stands before a quote or a
/// backslash of the text, or a quote stands twice.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut item = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => item.push(chars.next()?.1),
            '"' => match text[at + 1..].starts_with('"') {
                true => {
                    chars.next();
                    item.push('"');
                }
                false => return Some((item, &text[at + 1..])),
            },
            char => item.push(char),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::words;

    #[test]
    fn lists_in_every_form() {
        for (text, wanted) in [
            ("[\"a,b\", \"c\"]", &["a,b", "c"][..]),
            ("{\"a,b\",c}", &["a,b", "c"]),
            (
                "{\"say \\\"hi\\\"\", \"x\"\"y\" , NULL,\"NULL\"}",
                &["say \"hi\"", "x\"y", "NULL"],
            ),
            ("vip, late", &["vip", "late"]),
            ("5\" wide,,", &["5\" wide"]),
            ("\"a, b\", c", &["a, b", "c"]),
            ("{}", &[]),
            ("", &[]),
        ] {
            assert_eq!(words(text).unwrap(), wanted, "{text}");
        }
        for text in ["{\"a", "{\"a\"b}", "[1", "{\"a\\"] {
            assert_eq!(words(text), None, "{text}");
        }
    }
}
