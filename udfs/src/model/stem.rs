//! English words without their inflection, so that "deliveries" speaks of "delivery".
//!
//! A few endings are cut, nothing is looked up: the stem of a word is a part of its spelling.

/// Letters that a stem keeps.
const FEWEST: usize = 3;

/// The stem of a normalised word.
pub(super) fn stem(word: &[u8]) -> &[u8] {
    let word = word.strip_suffix(b"'s").unwrap_or(word);
    let cut = |word: &'_ [u8], ending: &[u8]| word.len() - ending.len();
    for (ending, fewest) in [
        (&b"ies"[..], FEWEST),
        (b"ied", FEWEST),
        (b"ying", FEWEST),
        (b"ing", FEWEST),
        (b"ed", FEWEST),
    ] {
        let is_cut = word.ends_with(ending)
            && cut(word, ending) >= fewest
            && !word.ends_with(b"eed")
            && word[..cut(word, ending)].iter().any(is_vowel);
        if is_cut {
            return single(without_e(&word[..cut(word, ending)]));
        }
    }
    let hisses = [&b"sses"[..], b"xes", b"zes", b"ches", b"shes"]
        .iter()
        .any(|ending| word.ends_with(ending));
    let word = match word {
        [rest @ .., b'e', b's'] if hisses => rest,
        [.., b's' | b'u' | b'i', b's'] => word,
        [rest @ .., b's'] if rest.len() >= FEWEST => rest,
        _ => word,
    };
    match word {
        [rest @ .., b'y'] if rest.len() >= FEWEST && !rest.last().is_some_and(is_vowel) => {
            single(rest)
        }
        _ => single(without_e(word)),
    }
}

fn is_vowel(byte: &u8) -> bool {
    matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

/// "price" and "pricing" share what is left.
fn without_e(word: &[u8]) -> &[u8] {
    match word {
        [rest @ .., b'e'] if rest.len() > FEWEST => rest,
        _ => word,
    }
}

/// "shipped" and "ship" share what is left: of two equal letters at the end one stays.
fn single(word: &[u8]) -> &[u8] {
    match word {
        [rest @ .., last] if rest.len() >= FEWEST && rest.last() == Some(last) => rest,
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflections_of_a_word_share_a_stem_and_other_words_do_not() {
        for family in [
            &["delivery", "deliveries", "delivered", "delivering"][..],
            &["price", "prices", "pricing", "priced"],
            &["ship", "ships", "shipped", "shipping"],
            &["bill", "bills", "billing", "billed"],
            &["agent", "agents", "agent's"],
            &["box", "boxes"],
            &["app", "apps"],
            &["fee", "fees"],
        ] {
            for word in family {
                assert_eq!(stem(word.as_bytes()), stem(family[0].as_bytes()), "{word}");
            }
        }
        for (left, right) in [
            ("status", "state"),
            ("ring", "r"),
            ("speed", "spe"),
            ("bus", "bu"),
            ("price", "print"),
        ] {
            assert_ne!(stem(left.as_bytes()), stem(right.as_bytes()), "{left}");
        }
        assert_eq!(stem(b""), b"");
        assert_eq!(stem("überfällig".as_bytes()), "überfällig".as_bytes());
    }
}
