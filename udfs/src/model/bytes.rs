//! Bytes of a text: their classes, addresses and emoticons, and the hash of a spelling.

/// Longer texts are read up to here: memory and time stay bounded whatever is sent.
const MAX_BYTES: usize = 64 * 1024;

pub(super) const SPACE: u8 = 0;
pub(super) const LETTER: u8 = 1;
pub(super) const DIGIT: u8 = 2;
pub(super) const MARK: u8 = 3;
pub(super) const WIDE: u8 = 4;

const fn classes() -> [u8; 256] {
    let mut table = [MARK; 256];
    let mut byte = 0;
    while byte < 256 {
        let value = byte as u8;
        table[byte] = if value >= 0x80 {
            WIDE
        } else if value.is_ascii_alphabetic() {
            LETTER
        } else if value.is_ascii_digit() {
            DIGIT
        } else if value <= b' ' || value == 0x7f {
            SPACE
        } else {
            MARK
        };
        byte += 1;
    }
    table
}

static CLASSES: [u8; 256] = classes();

pub(super) fn class(byte: u8) -> u8 {
    CLASSES[byte as usize]
}

/// The part of a text that is read.
pub(super) fn clip(text: &str) -> &str {
    &text[..floor_boundary(text, text.len().min(MAX_BYTES))]
}

pub(super) fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

pub(super) fn next_is_letter(bytes: &[u8], at: usize) -> bool {
    bytes
        .get(at)
        .is_some_and(|b| matches!(class(*b), LETTER | WIDE))
}

pub(super) fn is_break(byte: u8) -> bool {
    class(byte) == SPACE
        || matches!(
            byte,
            b',' | b';' | b'!' | b'?' | b')' | b'(' | b'"' | b'<' | b'>'
        )
}

pub(super) fn is_combining(character: char) -> bool {
    matches!(character as u32, 0x300..=0x36f | 0x591..=0x5c7 | 0x610..=0x61a | 0x64b..=0x65f
        | 0x900..=0x903 | 0x93a..=0x94f | 0x955..=0x957 | 0x962..=0x963 | 0xe31..=0xe3a | 0xe47..=0xe4e)
}

/// The end of a web address that starts at `at`.
pub(super) fn address_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let starts = |prefix: &[u8]| {
        rest.len() > prefix.len() && rest[..prefix.len()].eq_ignore_ascii_case(prefix)
    };
    if !(starts(b"http://") || starts(b"https://") || starts(b"www.")) {
        return None;
    }
    let length = rest
        .iter()
        .take_while(|b| b.is_ascii() && !is_break(**b))
        .count();
    // "www." alone has nothing to cut; neither has a scheme.
    Some(without_final_marks(bytes, at + 4, at + length))
}

/// The end of an address without the marks that belong to the sentence, not before `least`.
pub(super) fn without_final_marks(bytes: &[u8], least: usize, mut end: usize) -> usize {
    while end > least && matches!(bytes[end - 1], b'.' | b':' | b'\'') {
        end -= 1;
    }
    end
}

/// The length of an emoticon at the start of `bytes`.
pub(super) fn emoticon(bytes: &[u8]) -> Option<usize> {
    if !matches!(bytes.first()?, b':' | b';' | b'=' | b'<') {
        return None;
    }
    if bytes[0] == b'<' {
        return (bytes.get(1) == Some(&b'3')).then_some(2);
    }
    let nose = usize::from(matches!(bytes.get(1), Some(b'-' | b'\'')));
    let mouth = bytes.get(1 + nose)?;
    let closed = bytes
        .get(2 + nose)
        .is_none_or(|b| !b.is_ascii_alphanumeric());
    (matches!(mouth, b')' | b'(' | b'D' | b'P' | b'p' | b'/' | b'|') && closed).then_some(2 + nose)
}

/// Where the hash of a spelling begins, with the spelling's length mixed in.
pub(super) const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// A hash of bytes that is the same on every machine: trained weights are addressed by it.
#[inline]
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hash = SEED ^ bytes.len() as u64;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = mix(hash ^ u64::from_le_bytes(*word));
    }
    match rest {
        [] => hash,
        rest => mix(hash ^ short_word(rest)),
    }
}

/// Fewer than eight bytes as a number, the first one lowest, without a copy of unknown length.
#[inline]
pub(super) fn short_word(bytes: &[u8]) -> u64 {
    let last = bytes.len().saturating_sub(4);
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        // The two may overlap: there they agree.
        (Some(low), Some(high)) => {
            u64::from(u32::from_le_bytes(*low)) | u64::from(u32::from_le_bytes(*high)) << (8 * last)
        }
        _ => bytes
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// A bijective mixer (the finaliser of SplitMix64): every input bit reaches every output bit.
#[inline]
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_word_is_padded_with_zeros() {
        let bytes = [1, 2, 3, 4, 5, 6, 7];
        for length in 1..=7 {
            let mut padded = [0; 8];
            padded[..length].copy_from_slice(&bytes[..length]);
            assert_eq!(short_word(&bytes[..length]), u64::from_le_bytes(padded));
        }
    }
}
