//! Bank account numbers: length of the country and modulo 97 (ISO 13616, ISO 7064).

use super::super::entity::Entity;
use super::super::kind::EntityKind;

/// Lengths of the countries that issue IBANs.
const LENGTHS: [(&[u8; 2], usize); 78] = [
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NL", 18),
    (b"NO", 15),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
];

pub(super) fn find(text: &str, found: &mut Vec<Entity>) {
    let bytes = text.as_bytes();
    let mut start = 0;
    while start + 4 <= bytes.len() {
        match end(text, start) {
            Some(end) => {
                found.push(Entity::new(EntityKind::Iban, start..end, 1.0));
                start = end;
            }
            None => start += 1,
        }
    }
}

/// Where the IBAN that starts at `start` ends, if one does.
fn end(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let head = bytes.get(start..start + 4)?;
    if !head[..2].iter().all(u8::is_ascii_alphabetic) || !head[2..].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let country = [head[0].to_ascii_uppercase(), head[1].to_ascii_uppercase()];
    let length = LENGTHS.iter().find(|(name, _)| **name == country)?.1;
    let mut signs = Vec::with_capacity(length);
    let mut at = start;
    while signs.len() < length {
        let byte = *bytes.get(at)?;
        if byte.is_ascii_alphanumeric() {
            signs.push(byte.to_ascii_uppercase());
        } else {
            // Groups are parted by one space or hyphen.
            let parts = matches!(byte, b' ' | b'-') && bytes[at - 1].is_ascii_alphanumeric();
            if !parts {
                return None;
            }
        }
        at += 1;
    }
    (super::stands_alone(text, start, at) && is_valid(&signs)).then_some(at)
}

/// ISO 7064: country and check digits moved to the end, letters as 10 to 35, modulo 97 is 1.
fn is_valid(signs: &[u8]) -> bool {
    let moved = signs[4..].iter().chain(&signs[..4]);
    let rest = moved.fold(0_u32, |rest, sign| match sign {
        b'0'..=b'9' => (rest * 10 + u32::from(sign - b'0')) % 97,
        letter => (rest * 100 + u32::from(letter - b'A') + 10) % 97,
    });
    rest == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        find(text, &mut found);
        found
            .into_iter()
            .map(|entity| &text[entity.bytes])
            .collect()
    }

    #[test]
    fn length_and_checksum_decide() {
        assert_eq!(
            accounts("pay to DE89 3704 0044 0532 0130 00 today"),
            ["DE89 3704 0044 0532 0130 00"]
        );
        assert_eq!(
            accounts("gb82west12345698765432"),
            ["gb82west12345698765432"]
        );
        assert!(accounts("DE89 3704 0044 0532 0130 01").is_empty());
        assert!(accounts("XX89 3704 0044 0532 0130 00").is_empty());
        assert!(accounts("é DE89").is_empty());
    }
}
