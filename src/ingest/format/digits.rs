//! Whole numbers with more digits than a number of JSON keeps.

use std::borrow::Cow;

use memchr::memchr2;

/// Numbers of fewer digits are always exact.
const EXACT: usize = 19;

/// The JSON text with whole numbers beyond 64 bits as texts: read as numbers they would lose
/// their last digits, and ids that differ there would become one.
pub(super) fn exact(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if !has_long_run(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let (mut at, mut copied) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at + 1),
            b'-' | b'0'..=b'9' => {
                let end = at + number_length(&bytes[at..]);
                let number = &text[at..end];
                let digits = number.strip_prefix('-').unwrap_or(number);
                let whole = digits.bytes().all(|byte| byte.is_ascii_digit());
                let fits = number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok();
                // What JSON does not allow is left for the parser to complain about.
                if whole && digits.len() >= EXACT && !digits.starts_with('0') && !fits {
                    out.push_str(&text[copied..at]);
                    out.push('"');
                    out.push_str(number);
                    out.push('"');
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// Whether so many digits stand together anywhere. Looks at few of the bytes.
fn has_long_run(bytes: &[u8]) -> bool {
    let mut at = EXACT - 1;
    while let Some(byte) = bytes.get(at) {
        let before = bytes[at + 1 - EXACT..=at].iter().rev();
        match byte.is_ascii_digit() {
            true => match before.take_while(|byte| byte.is_ascii_digit()).count() {
                EXACT => return true,
                run => at += EXACT - run,
            },
            false => at += EXACT,
        }
    }
    false
}

/// Behind the quote that closes the string whose text begins at `at`.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

fn number_length(bytes: &[u8]) -> usize {
    let of_number = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    bytes.iter().take_while(of_number).count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::exact;

    #[test]
    fn only_whole_numbers_that_do_not_fit_become_texts() {
        let big = "12345678901234567890120";
        assert_eq!(
            exact(&format!("{{\"id\":{big}, \"l\":[-{big},1.{big}]}}")),
            format!("{{\"id\":\"{big}\", \"l\":[\"-{big}\",1.{big}]}}")
        );
        for text in [
            "18446744073709551615",
            "-9223372036854775808",
            "\"a \\\" 123456789012345678901234\"",
            "1e1234567890123456789012",
            "0123456789012345678901234",
        ] {
            assert!(matches!(exact(text), Cow::Borrowed(_)), "{text}");
        }
        assert_eq!(exact("18446744073709551616"), "\"18446744073709551616\"");
        assert_eq!(exact("-9223372036854775809"), "\"-9223372036854775809\"");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[0-9é\"\\\\{\\[,.e-]{0,80}") {
            let _ = exact(&text);
        }

        #[test]
        fn runs_are_found_wherever_they_are(before in " {0,60}", digits in "[1-9][0-9]{22}") {
            let quoted = format!("{before}\"{digits}\" ");
            let plain = format!("{before}{digits} ");
            prop_assert_eq!(exact(&plain), quoted);
        }
    }
}
