//! Numbers written in groups of digits.

use std::ops::Range;

/// A run of ASCII digits, nothing alphanumeric next to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) bytes: Range<usize>,
    /// Whether the next run follows after a single separator.
    pub(super) joins_next: bool,
}

/// The digit runs of `text`; a single character of `separators` joins neighbours.
pub(super) fn runs(text: &str, separators: &[char]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && bytes[at].is_ascii_digit() {
            at += 1;
        }
        if !super::stands_alone(text, start, at) {
            continue;
        }
        if let Some(last) = runs.last_mut() {
            let mut between = text[last.bytes.end..start].chars();
            let first = between.next();
            last.joins_next =
                first.is_some_and(|c| separators.contains(&c)) && between.next().is_none();
        }
        runs.push(Run {
            bytes: start..at,
            joins_next: false,
        });
    }
    runs
}

/// The longest numbers of joined runs that `accepts` takes, each from the first run it can start
/// with; `accepts` gets the digits, at most `most` of them, and the lengths of their groups.
pub(super) fn numbers(
    text: &str,
    separators: &[char],
    most: usize,
    accepts: impl Fn(&[u8], &[usize]) -> bool,
) -> Vec<Range<usize>> {
    let runs = runs(text, separators);
    let mut found = Vec::new();
    let mut digits = Vec::with_capacity(most);
    let mut groups = Vec::new();
    let mut first = 0;
    while first < runs.len() {
        digits.clear();
        groups.clear();
        let mut accepted = None;
        for (index, run) in runs.iter().enumerate().skip(first) {
            if digits.len() + run.bytes.len() > most {
                break;
            }
            digits.extend(text[run.bytes.clone()].bytes().map(|byte| byte - b'0'));
            groups.push(run.bytes.len());
            if accepts(&digits, &groups) {
                accepted = Some((index, runs[first].bytes.start..run.bytes.end));
            }
            if !run.joins_next {
                break;
            }
        }
        first += 1;
        if let Some((last, bytes)) = accepted {
            found.push(bytes);
            first = last + 1;
        }
    }
    found
}

/// The Luhn check (ISO/IEC 7812-1): every second digit from the right doubled, sum divisible by 10.
pub(super) fn is_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let value = u32::from(*digit) << (index % 2);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The number that the digits spell.
pub(super) fn value(digits: &[u8]) -> u64 {
    digits
        .iter()
        .fold(0, |value, digit| value * 10 + u64::from(*digit))
}

/// Whether all digits are the same one: a filler, not a number.
pub(super) fn is_filler(digits: &[u8]) -> bool {
    digits.windows(2).all(|pair| pair[0] == pair[1])
}
