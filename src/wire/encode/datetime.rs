//! Dates, times and intervals in PostgreSQL's ISO form, in the time zone of the session.

use std::fmt::Write;
use std::str::FromStr;

use bytes::{BufMut, BytesMut};
use chrono::{Offset, TimeZone};

/// Microseconds from 1970-01-01 (Arrow's zero) to 2000-01-01 (PostgreSQL's zero).
pub(crate) const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;
/// Days between the same.
pub(crate) const POSTGRES_EPOCH_DAYS: i32 = 10_957;
const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// The time zone in which a session reads `timestamptz` values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    /// A constant distance from UTC in seconds, east positive.
    Fixed(i32),
    /// A zone of the IANA database.
    Named(chrono_tz::Tz),
}

impl Zone {
    /// UTC.
    pub(crate) const UTC: Zone = Zone::Fixed(0);

    /// Reads the value of the setting `TimeZone`: an IANA name, `UTC`, or an offset such as
    /// `+02:00`. `None` when it is none of these.
    pub(crate) fn parse(text: &str) -> Option<Zone> {
        let text = text.trim();
        if ["utc", "gmt", "z", "etc/utc"].contains(&text.to_ascii_lowercase().as_str()) {
            return Some(Zone::UTC);
        }
        if let Ok(named) = chrono_tz::Tz::from_str(text) {
            return Some(Zone::Named(named));
        }
        let (sign, rest) = match text.as_bytes().first()? {
            b'+' => (1, &text[1..]),
            b'-' => (-1, &text[1..]),
            _ => return None,
        };
        let (hours, minutes) = match rest.split_once(':') {
            Some(parts) => parts,
            None if rest.len() == 4 && rest.is_ascii() => rest.split_at(2),
            None => (rest, "0"),
        };
        let (hours, minutes) = (hours.parse::<i32>().ok()?, minutes.parse::<i32>().ok()?);
        ((0..16).contains(&hours) && (0..60).contains(&minutes))
            .then_some(Zone::Fixed(sign * (hours * 3600 + minutes * 60)))
    }

    /// Seconds east of UTC at an instant, given in seconds since 1970.
    fn offset_at(self, instant: i64) -> i32 {
        match self {
            Zone::Fixed(offset) => offset,
            Zone::Named(zone) => chrono::DateTime::from_timestamp(instant, 0).map_or(0, |utc| {
                zone.offset_from_utc_datetime(&utc.naive_utc())
                    .fix()
                    .local_minus_utc()
            }),
        }
    }
}

/// A date, given in days since 1970-01-01.
pub(super) fn write_date(days: i32, out: &mut BytesMut) {
    let before_christ = write_day(i64::from(days), out);
    write_era(before_christ, out);
}

/// A timestamp without zone, given in microseconds since 1970-01-01.
pub(super) fn write_timestamp(micros: i64, out: &mut BytesMut) {
    let before_christ = write_day(micros.div_euclid(MICROS_PER_DAY), out);
    out.put_u8(b' ');
    write_time(micros.rem_euclid(MICROS_PER_DAY), out);
    write_era(before_christ, out);
}

/// An instant, given in microseconds since 1970-01-01 UTC, in the time zone of the session.
pub(super) fn write_timestamptz(micros: i64, zone: Zone, out: &mut BytesMut) {
    let offset = zone.offset_at(micros.div_euclid(MICROS_PER_SECOND));
    let local = micros.saturating_add(i64::from(offset) * MICROS_PER_SECOND);
    let before_christ = write_day(local.div_euclid(MICROS_PER_DAY), out);
    out.put_u8(b' ');
    write_time(local.rem_euclid(MICROS_PER_DAY), out);
    let size = offset.unsigned_abs();
    let _ = write!(
        out,
        "{}{:02}",
        if offset < 0 { '-' } else { '+' },
        size / 3600
    );
    if !size.is_multiple_of(3600) {
        let _ = write!(out, ":{:02}", size / 60 % 60);
    }
    if !size.is_multiple_of(60) {
        let _ = write!(out, ":{:02}", size % 60);
    }
    write_era(before_christ, out);
}

/// A time of day, given in microseconds since midnight; the fraction without trailing zeros.
pub(super) fn write_time(micros: i64, out: &mut BytesMut) {
    let (seconds, fraction) = (micros / MICROS_PER_SECOND, micros % MICROS_PER_SECOND);
    write_two(seconds / 3600, out);
    out.put_u8(b':');
    write_two(seconds / 60 % 60, out);
    out.put_u8(b':');
    write_two(seconds % 60, out);
    if fraction != 0 {
        let start = out.len();
        let _ = write!(out, ".{fraction:06}");
        let kept = out[start..]
            .iter()
            .rposition(|byte| *byte != b'0')
            .map_or(0, |at| at + 1);
        out.truncate(start + kept);
    }
}

/// An interval in the style `postgres`: `1 year 2 mons -3 days +04:05:06.5`.
pub(super) fn write_interval(months: i32, days: i32, micros: i64, out: &mut BytesMut) {
    let start = out.len();
    let mut negative_before = false;
    for (count, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if count == 0 {
            continue;
        }
        let space = if out.len() > start { " " } else { "" };
        let sign = if negative_before && count > 0 {
            "+"
        } else {
            ""
        };
        let plural = if count == 1 { "" } else { "s" };
        let _ = write!(out, "{space}{sign}{count} {unit}{plural}");
        negative_before = count < 0;
    }
    if micros != 0 || out.len() == start {
        let space = if out.len() > start { " " } else { "" };
        let sign = match (micros < 0, negative_before) {
            (true, _) => "-",
            (false, true) => "+",
            (false, false) => "",
        };
        out.put_slice(space.as_bytes());
        out.put_slice(sign.as_bytes());
        write_time(micros.saturating_abs(), out);
    }
}

/// Year, month and day; true when the year lies before year 1, which the caller marks at the end.
fn write_day(days: i64, out: &mut BytesMut) -> bool {
    let (year, month, day) = civil_from_days(days);
    let before_christ = year <= 0;
    let shown = if before_christ { 1 - year } else { year };
    if shown < 10_000 {
        write_two(shown / 100, out);
        write_two(shown % 100, out);
    } else {
        let _ = write!(out, "{shown}");
    }
    out.put_u8(b'-');
    write_two(month, out);
    out.put_u8(b'-');
    write_two(day, out);
    before_christ
}

fn write_era(before_christ: bool, out: &mut BytesMut) {
    if before_christ {
        out.put_slice(b" BC");
    }
}

/// A number as two decimals, or more where it needs them (hours of an interval).
fn write_two(number: i64, out: &mut BytesMut) {
    if (0..100).contains(&number) {
        out.put_slice(&[b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]);
    } else {
        let _ = write!(out, "{number}");
    }
}

/// Year, month and day of the proleptic Gregorian calendar, by Howard Hinnant's
/// `civil_from_days` (<https://howardhinnant.github.io/date_algorithms.html>).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn written(write: impl Fn(&mut BytesMut)) -> String {
        let mut out = BytesMut::new();
        write(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn dates_over_the_whole_range() {
        assert_eq!(written(|out| write_date(0, out)), "1970-01-01");
        assert_eq!(
            written(|out| write_date(POSTGRES_EPOCH_DAYS, out)),
            "2000-01-01"
        );
        assert_eq!(written(|out| write_date(19_782, out)), "2024-02-29");
        assert_eq!(written(|out| write_date(-719_163, out)), "0001-12-31 BC");
        assert_eq!(written(|out| write_date(2_932_897, out)), "10000-01-01");
    }

    #[test]
    fn timestamps_drop_trailing_zeros_only() {
        assert_eq!(
            written(|out| write_timestamp(0, out)),
            "1970-01-01 00:00:00"
        );
        assert_eq!(
            written(|out| write_timestamp(1_500_000, out)),
            "1970-01-01 00:00:01.5"
        );
        assert_eq!(
            written(|out| write_timestamp(-1, out)),
            "1969-12-31 23:59:59.999999"
        );
    }

    #[test]
    fn instants_follow_the_zone_and_its_summer_time() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let winter = 1_704_067_200_000_000; // 2024-01-01 00:00 UTC
        let summer = 1_719_792_000_000_000; // 2024-07-01 00:00 UTC
        let at = |micros, zone| written(|out| write_timestamptz(micros, zone, out));
        assert_eq!(at(winter, berlin), "2024-01-01 01:00:00+01");
        assert_eq!(at(summer, berlin), "2024-07-01 02:00:00+02");
        assert_eq!(
            at(winter, Zone::parse("-03:30").unwrap()),
            "2023-12-31 20:30:00-03:30"
        );
        assert_eq!(at(winter, Zone::UTC), "2024-01-01 00:00:00+00");
        assert_eq!(Zone::parse("Mars/Olympus"), None);
    }

    #[test]
    fn intervals_carry_a_sign_per_field() {
        let shown = |months, days, micros| written(|out| write_interval(months, days, micros, out));
        assert_eq!(
            shown(14, 3, 14_706_500_000),
            "1 year 2 mons 3 days 04:05:06.5"
        );
        assert_eq!(shown(-1, 2, -1_000_000), "-1 mons +2 days -00:00:01");
        assert_eq!(shown(0, -1, 1_000_000), "-1 days +00:00:01");
        assert_eq!(shown(0, 0, 0), "00:00:00");
        assert_eq!(shown(0, 0, 360_000 * 1_000_000), "100:00:00");
    }
}
