//! Numbers as PostgreSQL writes them: floats in shortest form, `numeric` in base 10,000.

use std::fmt::{LowerExp, Write};

use bytes::{BufMut, BytesMut};

/// A `float8` or `float4` in PostgreSQL's text form: the fewest digits that read back as the same
/// value, in exponent form from `1e15` (`1e6` for `float4`) upwards and below `1e-4`.
pub(super) fn write_float<F>(value: F, wide: bool, out: &mut BytesMut)
where
    F: Copy + Into<f64> + LowerExp + std::fmt::Display,
{
    let size: f64 = value.into().abs();
    if size.is_nan() {
        return out.put_slice(b"NaN");
    }
    if size.is_infinite() {
        let negative = value.into() < 0.0;
        return out.put_slice(if negative { b"-Infinity" } else { b"Infinity" });
    }
    let limit = if wide { 1e15 } else { 1e6 };
    // The smallest fixed-form value is compared in the precision of the value itself.
    let least = if wide { 1e-4 } else { f64::from(1e-4_f32) };
    if size == 0.0 || (size >= least && size < limit) {
        let _ = write!(out, "{value}");
        return;
    }
    let text = format!("{value:e}");
    if let Some((digits, exponent)) = text.split_once('e') {
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        let _ = write!(out, "{digits}e{sign}{exponent:0>2}");
    }
}

/// A decimal in the binary form of `numeric`: digit count, weight of the first digit, sign, scale,
/// then the digits in base 10,000. `text` is the plain decimal form, such as `-12.340`.
pub(super) fn write_numeric(text: &str, out: &mut BytesMut) {
    let (negative, plain) = match text.strip_prefix('-') {
        Some(plain) => (true, plain),
        None => (false, text),
    };
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let whole = whole.trim_start_matches('0');
    let whole_groups = whole.len().div_ceil(4);
    let fraction_groups = fraction.len().div_ceil(4);
    // Position 0 is the first decimal of the first group; the point follows the whole groups.
    let lead = whole_groups * 4 - whole.len();
    let decimal = |position: usize| -> u16 {
        let byte = match position.checked_sub(lead) {
            None => None,
            Some(at) if at < whole.len() => whole.as_bytes().get(at),
            Some(at) => fraction.as_bytes().get(at - whole.len()),
        };
        byte.map_or(0, |byte| u16::from(byte - b'0'))
    };
    let group = |index: usize| (0..4).fold(0, |value, at| value * 10 + decimal(index * 4 + at));

    let (mut first, mut end) = (0, whole_groups + fraction_groups);
    while first < end && group(first) == 0 {
        first += 1;
    }
    while end > first && group(end - 1) == 0 {
        end -= 1;
    }
    let weight = match first == end {
        true => 0,
        false => whole_groups as i16 - 1 - first as i16,
    };
    out.put_i16((end - first) as i16);
    out.put_i16(weight);
    out.put_u16(if negative && first < end { 0x4000 } else { 0 });
    out.put_i16(fraction.len() as i16);
    for index in first..end {
        out.put_u16(group(index));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(value: f64) -> String {
        let mut out = BytesMut::new();
        write_float(value, true, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn single(value: f32) -> String {
        let mut out = BytesMut::new();
        write_float(value, false, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn floats_read_as_in_postgresql() {
        // Each right side is what PostgreSQL 15 prints for the literal.
        assert_eq!(double(0.1), "0.1");
        assert_eq!(double(1.0), "1");
        assert_eq!(double(-0.0), "-0");
        assert_eq!(double(1e14), "100000000000000");
        assert_eq!(double(1e15), "1e+15");
        assert_eq!(double(1.5e300), "1.5e+300");
        assert_eq!(double(0.0001), "0.0001");
        assert_eq!(double(0.00001), "1e-05");
        assert_eq!(double(f64::NAN), "NaN");
        assert_eq!(double(f64::NEG_INFINITY), "-Infinity");
        assert_eq!(single(0.1), "0.1");
        assert_eq!(single(123_456.0), "123456");
        assert_eq!(single(1_234_567.0), "1.234567e+06");
        assert_eq!(single(0.0001), "0.0001");
    }

    fn numeric(text: &str) -> Vec<u8> {
        let mut out = BytesMut::new();
        write_numeric(text, &mut out);
        out.to_vec()
    }

    #[test]
    fn numerics_are_groups_of_four_decimals() {
        // digits, weight, sign, scale, then the digits
        assert_eq!(numeric("0.00"), [0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!(numeric("1"), [0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(numeric("10000"), [0, 1, 0, 1, 0, 0, 0, 0, 0, 1]);
        assert_eq!(
            numeric("-12345.678"),
            [0, 3, 0, 1, 0x40, 0, 0, 3, 0, 1, 0x09, 0x29, 0x1a, 0x7c]
        );
        assert_eq!(
            numeric("0.00001"),
            [0, 1, 0xff, 0xfe, 0, 0, 0, 5, 0x03, 0xe8]
        );
    }
}
