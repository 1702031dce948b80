//! Payment cards: issuer prefix, length of the issuer, Luhn digit (ISO/IEC 7812).

use super::super::entity::Entity;
use super::super::kind::EntityKind;
use super::digits::{is_filler, is_luhn, numbers, value};

pub(super) fn find(text: &str, found: &mut Vec<Entity>) {
    for bytes in numbers(text, &[' ', '-', '.', '_', '/', '\u{a0}'], 19, is_card) {
        found.push(Entity::new(EntityKind::Card, bytes, 1.0));
    }
}

fn is_card(digits: &[u8], groups: &[usize]) -> bool {
    digits.len() >= 13
        && is_grouped(groups)
        && has_issuer(digits)
        && is_luhn(digits)
        && !is_filler(digits)
}

/// Whether the digits are grouped as on a card: order numbers have other groups, and one in ten of
/// them has a right Luhn digit by chance.
fn is_grouped(groups: &[usize]) -> bool {
    match groups {
        [_] | [4, 6, 4 | 5] => true,
        [fours @ .., last] => fours.iter().all(|length| *length == 4) && *last <= 4,
        [] => false,
    }
}

/// Whether an issuer gives out numbers of this length that begin so.
fn has_issuer(digits: &[u8]) -> bool {
    let length = digits.len();
    match value(&digits[..4]) {
        // Visa
        4000..=4999 => matches!(length, 13 | 16 | 19),
        // Mastercard
        5100..=5599 | 2221..=2720 => length == 16,
        // American Express
        3400..=3499 | 3700..=3799 => length == 15,
        // Diners Club
        3000..=3059 | 3600..=3699 | 3800..=3999 => (14..=19).contains(&length),
        // JCB
        3528..=3589 => (16..=19).contains(&length),
        // Discover, UnionPay
        6011 | 6440..=6599 | 6200..=6299 => (16..=19).contains(&length),
        // Maestro
        5000..=5099 | 5600..=5899 | 6000..=6999 => (13..=19).contains(&length),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cards(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        find(text, &mut found);
        found
            .into_iter()
            .map(|entity| &text[entity.bytes])
            .collect()
    }

    #[test]
    fn the_checksum_decides() {
        assert_eq!(
            cards("my card 4111 1111 1111 1111."),
            ["4111 1111 1111 1111"]
        );
        assert_eq!(cards("4111-1111-1111-1111 12/27"), ["4111-1111-1111-1111"]);
        assert_eq!(cards("amex 378282246310005"), ["378282246310005"]);
        assert_eq!(cards("4111_1111_1111_1111"), ["4111_1111_1111_1111"]);
        assert_eq!(cards("4111/1111/1111/1111"), ["4111/1111/1111/1111"]);
        assert!(cards("order 4111 1111 1111 1112").is_empty());
        assert!(cards("ref A4111111111111111").is_empty());
        assert!(cards("order 411-1111111-111111").is_empty());
        assert_eq!(cards("3782 822463 10005"), ["3782 822463 10005"]);
        assert!(cards("0000 0000 0000 0000").is_empty());
    }
}
