//! Timestamps as sources write them, to microseconds since 1970 in UTC.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use datafusion::arrow::compute::kernels::cast_utils::string_to_datetime;

/// Microseconds since 1970-01-01T00:00:00Z.
pub(crate) type Micros = i64;

/// Milliseconds between 1970 and the beginning of snowflake time at the service that made the
/// form known; it is in that service's public documentation.
pub(crate) const SNOWFLAKE_EPOCH_MS: i64 = 1_288_834_974_657;

/// Hours that a zone has skipped at the most, when it moved to the other side of the date line.
const LONGEST_GAP_HOURS: i64 = 25;

/// How a source writes a time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TimeFormat {
    /// ISO 8601 / RFC 3339; without an offset the time is in the zone.
    Iso(Tz),
    /// Seconds since 1970, with or without a fraction.
    UnixSeconds,
    /// Milliseconds since 1970.
    UnixMillis,
    /// Microseconds since 1970.
    UnixMicros,
    /// A snowflake id: the bits above the lowest 22 are milliseconds since the epoch given.
    Snowflake(i64),
    /// A `strftime` pattern; without an offset in it the time is in the zone.
    Pattern(String, Tz),
}

impl TimeFormat {
    /// Reads `text`; `None` when it is not of this form.
    pub(crate) fn parse(&self, text: &str) -> Option<Micros> {
        let text = text.trim();
        match self {
            TimeFormat::Iso(zone) => parse_iso(text, *zone),
            TimeFormat::UnixSeconds => match text.parse::<i64>() {
                Ok(seconds) => seconds.checked_mul(1_000_000),
                Err(_) => {
                    let micros = text.parse::<f64>().ok()? * 1e6;
                    (micros.is_finite() && micros.abs() < 9e18).then_some(micros.round() as i64)
                }
            },
            TimeFormat::UnixMillis => text.parse::<i64>().ok()?.checked_mul(1000),
            TimeFormat::UnixMicros => text.parse().ok(),
            TimeFormat::Snowflake(epoch) => {
                let id = text.parse::<u64>().ok()?;
                i64::try_from(id >> 22)
                    .ok()?
                    .checked_add(*epoch)?
                    .checked_mul(1000)
            }
            TimeFormat::Pattern(pattern, zone) => parse_pattern(text, pattern, *zone),
        }
    }

    /// The form in words, for errors.
    pub(crate) fn describe(&self) -> String {
        match self {
            TimeFormat::Iso(_) => "a time such as 2024-05-31T09:30:00Z".into(),
            TimeFormat::UnixSeconds => "seconds since 1970".into(),
            TimeFormat::UnixMillis => "milliseconds since 1970".into(),
            TimeFormat::UnixMicros => "microseconds since 1970".into(),
            TimeFormat::Snowflake(_) => "a snowflake id".into(),
            TimeFormat::Pattern(pattern, _) => format!("a time of the form \"{pattern}\""),
        }
    }
}

/// An ISO 8601 time, in UTC where it carries no offset.
pub(crate) fn parse_time(text: &str) -> Option<Micros> {
    parse_iso(text.trim(), Tz::UTC)
}

fn parse_iso(text: &str, zone: Tz) -> Option<Micros> {
    let time = string_to_datetime(&Utc, text).ok()?;
    if zone == Tz::UTC {
        return Some(time.timestamp_micros());
    }
    // What reads as the same moment in another zone too carries its offset.
    let elsewhere = string_to_datetime(&FixedOffset::east_opt(3600)?, text).ok()?;
    match elsewhere == time {
        true => Some(time.timestamp_micros()),
        false => moment(time.naive_utc(), zone),
    }
}

fn parse_pattern(text: &str, pattern: &str, zone: Tz) -> Option<Micros> {
    if let Ok(time) = DateTime::parse_from_str(text, pattern) {
        return Some(time.timestamp_micros());
    }
    let naive = NaiveDateTime::parse_from_str(text, pattern)
        .ok()
        .or_else(|| {
            NaiveDate::parse_from_str(text, pattern)
                .ok()
                .and_then(|day| day.and_hms_opt(0, 0, 0))
        })?;
    moment(naive, zone)
}

/// When a clock in `zone` shows `local`: the first of the two times where it is set back, and
/// where it is set forward over `local` the time that a clock shows that was not.
fn moment(local: NaiveDateTime, zone: Tz) -> Option<Micros> {
    let found = |local: NaiveDateTime| {
        let found = zone.from_local_datetime(&local);
        found.earliest().into_iter().chain(found.latest()).min()
    };
    if let Some(time) = found(local) {
        return Some(time.timestamp_micros());
    }
    let before = (1..=LONGEST_GAP_HOURS).find_map(|hours| {
        let before = local.checked_sub_signed(TimeDelta::hours(hours))?;
        found(before)
    })?;
    let offset = TimeDelta::seconds(before.offset().fix().local_minus_utc().into());
    let time = local.checked_sub_signed(offset)?;
    Some(time.and_utc().timestamp_micros())
}

/// The time as ISO 8601 in UTC, for errors.
pub(crate) fn show(micros: Micros) -> String {
    match DateTime::from_timestamp_micros(micros) {
        Some(time) => time.to_rfc3339(),
        None => format!("{micros} µs since 1970"),
    }
}

/// A length of time such as `90d`, `2h`, `30s`, `250ms`, in microseconds.
pub(crate) fn parse_length(text: &str) -> Option<Micros> {
    let text = text.trim();
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let unit = match text[at..].trim() {
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" | "min" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return None,
    };
    text[..at].parse::<i64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::{SNOWFLAKE_EPOCH_MS, TimeFormat, parse_length, parse_time, show};

    #[test]
    fn every_form_reads_the_same_moment() {
        let moment = parse_time("2024-03-05T06:07:08Z").unwrap();
        assert_eq!(moment, 1_709_618_828_000_000);
        assert_eq!(parse_time("2024-03-05 06:07:08"), Some(moment));
        assert_eq!(parse_time("2024-03-05T07:07:08.000+01:00"), Some(moment));
        assert_eq!(TimeFormat::UnixSeconds.parse("1709618828"), Some(moment));
        assert_eq!(
            TimeFormat::UnixSeconds.parse("1709618828.5"),
            Some(moment + 500_000)
        );
        assert_eq!(TimeFormat::UnixMillis.parse("1709618828000"), Some(moment));
        let zone = chrono_tz::Europe::Paris;
        assert_eq!(
            TimeFormat::Iso(zone).parse("2024-03-05T07:07:08"),
            Some(moment)
        );
        let us = TimeFormat::Pattern("%m/%d/%Y %H:%M:%S".into(), zone);
        assert_eq!(us.parse("03/05/2024 07:07:08"), Some(moment));
        let id = (((1_709_618_828_000 - SNOWFLAKE_EPOCH_MS) as u64) << 22) + 4711;
        let snowflake = TimeFormat::Snowflake(SNOWFLAKE_EPOCH_MS);
        assert_eq!(snowflake.parse(&id.to_string()), Some(moment));
        assert_eq!(show(moment), "2024-03-05T06:07:08+00:00");
    }

    #[test]
    fn local_times_that_a_zone_repeats_or_skips() {
        let paris = chrono_tz::Europe::Paris;
        let forms = [
            TimeFormat::Iso(paris),
            TimeFormat::Pattern("%Y-%m-%dT%H:%M:%S".into(), paris),
        ];
        for form in forms {
            for (local, utc) in [
                ("2024-10-27T01:30:00", "2024-10-26T23:30:00Z"),
                ("2024-10-27T02:30:00", "2024-10-27T00:30:00Z"),
                ("2024-10-27T03:30:00", "2024-10-27T02:30:00Z"),
                // 03:30 in summer.
                ("2024-03-31T02:30:00", "2024-03-31T01:30:00Z"),
            ] {
                assert_eq!(form.parse(local), parse_time(utc), "{local}");
            }
        }
        let iso = TimeFormat::Iso(paris);
        for text in ["2024-03-31T02:30:00Z", "2024-03-31T02:30:00+05:00"] {
            assert_eq!(iso.parse(text), parse_time(text));
        }
        assert_eq!(iso.parse("2024-03-31"), parse_time("2024-03-30T23:00:00Z"));
        // The whole of this day was skipped.
        let samoa = TimeFormat::Iso(chrono_tz::Pacific::Apia);
        assert_eq!(
            samoa.parse("2011-12-30T12:00:00"),
            parse_time("2011-12-30T22:00:00Z")
        );
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "yesterday", "2024-13-01T00:00:00Z", "2024-02-30"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
        assert_eq!(TimeFormat::UnixSeconds.parse("1e300"), None);
        assert_eq!(TimeFormat::UnixMillis.parse("9223372036854775807"), None);
    }

    #[test]
    fn lengths() {
        assert_eq!(parse_length("90d"), Some(90 * 86_400_000_000));
        assert_eq!(parse_length("30 s"), Some(30_000_000));
        assert_eq!(parse_length("30"), None);
        assert_eq!(parse_length("9223372036854775807d"), None);
    }
}
