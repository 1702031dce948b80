//! National numbers of persons, where their form or a check digit sets them apart.

use std::sync::LazyLock;

use regex::Regex;

use super::super::entity::Entity;
use super::super::kind::EntityKind;
use super::digits::{is_filler, is_luhn, numbers, value};

/// A pattern, what it must also fulfil, and how sure the find is.
struct Form {
    pattern: LazyLock<Option<Regex>>,
    is_valid: fn(&str) -> bool,
    score: f64,
}

static FORMS: [Form; 5] = [
    // United Kingdom, National Insurance number: no check digit, but prefixes that are not used.
    Form {
        pattern: LazyLock::new(|| {
            Regex::new(
                r"(?i)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]",
            )
            .ok()
        }),
        is_valid: is_insurance_number,
        score: 0.8,
    },
    // Spain, DNI and NIE: letter by modulo 23.
    Form {
        pattern: LazyLock::new(|| {
            Regex::new(r"(?i)(?:[0-9]{8}|[XYZ]-?[0-9]{7})-?[A-HJ-NP-TV-Z]").ok()
        }),
        is_valid: is_spanish,
        score: 1.0,
    },
    // Italy, codice fiscale: letter by modulo 26.
    Form {
        pattern: LazyLock::new(|| {
            Regex::new(r"(?i)[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]").ok()
        }),
        is_valid: is_italian,
        score: 1.0,
    },
    // Brazil, CPF: two digits by modulo 11.
    Form {
        pattern: LazyLock::new(|| Regex::new(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}").ok()),
        is_valid: |found| is_brazilian(&digits(found)),
        score: 1.0,
    },
    // Canada, social insurance number: Luhn digit.
    Form {
        pattern: LazyLock::new(|| Regex::new(r"[1-79][0-9]{2}[ -][0-9]{3}[ -][0-9]{3}").ok()),
        is_valid: |found| is_luhn(&digits(found)) && !is_filler(&digits(found)),
        score: 0.8,
    },
];

pub(super) fn find(text: &str, found: &mut Vec<Entity>) {
    for form in &FORMS {
        for place in form
            .pattern
            .iter()
            .flat_map(|pattern| pattern.find_iter(text))
        {
            if super::stands_alone(text, place.start(), place.end())
                && (form.is_valid)(place.as_str())
            {
                found.push(Entity::new(
                    EntityKind::NationalId,
                    place.range(),
                    form.score,
                ));
            }
        }
    }
    for bytes in numbers(text, &[' '], 15, is_french) {
        found.push(Entity::new(EntityKind::NationalId, bytes, 1.0));
    }
}

fn digits(text: &str) -> Vec<u8> {
    text.bytes()
        .filter(u8::is_ascii_digit)
        .map(|byte| byte - b'0')
        .collect()
}

fn is_insurance_number(found: &str) -> bool {
    let prefix = found[..2].to_ascii_uppercase();
    !matches!(prefix.as_str(), "BG" | "GB" | "NK" | "KN" | "TN" | "NT" | "ZZ")
        // Without capitals it is a word and a number more often than not.
        && !found.starts_with(|c: char| c.is_ascii_lowercase())
}

fn is_spanish(found: &str) -> bool {
    let found = found.to_ascii_uppercase();
    let first = match found.as_bytes()[0] {
        b'Y' => 1,
        b'Z' => 2,
        _ => 0,
    };
    let digits = digits(&found);
    let number = if digits.len() == 7 {
        first * 10_000_000
    } else {
        0
    } + value(&digits);
    b"TRWAGMYFPDXBNJZSQVHLCKE"[(number % 23) as usize] == found.as_bytes()[found.len() - 1]
}

fn is_italian(found: &str) -> bool {
    /// Values at odd places, digits and letters alike: 0 or A is 1, 1 or B is 0, …
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let found = found.to_ascii_uppercase();
    let signs = found.as_bytes();
    let sum: u32 = signs[..15]
        .iter()
        .enumerate()
        .map(|(index, sign)| {
            let place = if sign.is_ascii_digit() {
                sign - b'0'
            } else {
                sign - b'A'
            };
            if index % 2 == 0 {
                ODD[usize::from(place)]
            } else {
                u32::from(place)
            }
        })
        .sum();
    u32::from(signs[15] - b'A') == sum % 26
}

fn is_brazilian(digits: &[u8]) -> bool {
    let check = |length: usize| {
        let weights = (2..=length as u64 + 1).rev();
        let sum: u64 = digits[..length]
            .iter()
            .zip(weights)
            .map(|(d, w)| u64::from(*d) * w)
            .sum();
        let rest = sum * 10 % 11 % 10;
        rest == u64::from(digits[length])
    };
    !is_filler(digits) && check(9) && check(10)
}

/// France, numéro de sécurité sociale: sex, year, month and place, key 97 − number mod 97.
fn is_french(digits: &[u8], _groups: &[usize]) -> bool {
    digits.len() == 15
        && matches!(digits[0], 1 | 2)
        && (1..=12).contains(&value(&digits[3..5]))
        && value(&digits[13..]) == 97 - value(&digits[..13]) % 97
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        find(text, &mut found);
        found
            .into_iter()
            .map(|entity| &text[entity.bytes])
            .collect()
    }

    #[test]
    fn check_digits_decide() {
        assert!(FORMS.iter().all(|form| form.pattern.is_some()));
        assert_eq!(ids("NI AB 12 34 56 C"), ["AB 12 34 56 C"]);
        assert_eq!(ids("dni 12345678Z"), ["12345678Z"]);
        assert_eq!(ids("nie X1234567L"), ["X1234567L"]);
        assert_eq!(ids("cf RSSMRA85T10A562S"), ["RSSMRA85T10A562S"]);
        assert_eq!(ids("cpf 529.982.247-25"), ["529.982.247-25"]);
        assert_eq!(ids("sin 046 454 286, no; 130 692 544 yes"), ["130 692 544"]);
        assert!(ids("12345678A RSSMRA85T10A562T 529.982.247-26 GB 12 34 56 C").is_empty());
    }

    #[test]
    fn the_french_key_is_checked() {
        let number = 1_850_578_006_084_u64;
        let key = 97 - number % 97;
        let valid = format!("1 85 05 78 006 084 {key:02}");
        assert_eq!(ids(&valid), [valid.as_str()]);
        let wrong = format!("1 85 05 78 006 084 {:02}", key % 97 + 1);
        assert!(ids(&wrong).is_empty());
    }
}
