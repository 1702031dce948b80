//! The values of settings: what each kind takes, in the one spelling that is kept.

use super::known::{Kind, Setting};
use crate::error::{Error, sqlstate};

pub(super) fn canonical(setting: &Setting, value: &str) -> Result<String, Error> {
    let refuse = || {
        Error::statement(
            sqlstate::INVALID_PARAMETER_VALUE,
            format!(
                "invalid value for parameter \"{}\": \"{value}\"",
                setting.name
            ),
        )
    };
    match setting.kind {
        Kind::Fixed => Err(Error::statement(
            sqlstate::CANT_CHANGE_RUNTIME_PARAM,
            format!("parameter \"{}\" cannot be changed", setting.name),
        )),
        Kind::Text if setting.name == "DateStyle" => date_style(value).ok_or_else(refuse),
        Kind::Text => Ok(value.to_owned()),
        Kind::Bool => boolean(value)
            .map(|on| if on { "on" } else { "off" }.to_owned())
            .ok_or_else(refuse),
        Kind::Integer(least, most) => match value.trim().parse::<i64>() {
            Ok(number) if (least..=most).contains(&number) => Ok(number.to_string()),
            _ => Err(refuse()),
        },
        Kind::Duration => match milliseconds(value) {
            Some(limit) => Ok(duration_text(limit)),
            None => Err(refuse()),
        },
        Kind::Word(words) => {
            // Some clients quote the name of the encoding.
            let value = value.trim_matches('\'');
            let found = words.iter().find(|word| word.eq_ignore_ascii_case(value));
            match found {
                Some(_) if setting.name == "client_encoding" => Ok("UTF8".to_owned()),
                Some(word) => Ok((*word).to_owned()),
                None => Err(refuse()),
            }
        }
        Kind::TimeZone => time_zone(value).ok_or_else(refuse),
    }
}

/// `ISO, MDY` and its relatives: the output is always ISO, the field order is remembered.
fn date_style(value: &str) -> Option<String> {
    let mut order = "MDY";
    for word in value.split(',').map(str::trim) {
        match word.to_ascii_uppercase().as_str() {
            "ISO" | "DEFAULT" => {}
            "MDY" | "US" | "NONEURO" | "NONEUROPEAN" => order = "MDY",
            "DMY" | "EURO" | "EUROPEAN" => order = "DMY",
            "YMD" => order = "YMD",
            _ => return None,
        }
    }
    Some(format!("ISO, {order}"))
}

/// PostgreSQL's spellings of a boolean.
fn boolean(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "t" | "y" | "1" => Some(true),
        "off" | "false" | "no" | "f" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// A duration such as `1500`, `90s` or `5 min`, in milliseconds.
pub(super) fn milliseconds(value: &str) -> Option<u64> {
    let value = value.trim();
    let digits = value
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(value.len());
    let number: f64 = value[..digits].parse().ok()?;
    let unit = match value[digits..].trim() {
        "" | "ms" => 1.0,
        "us" => 0.001,
        "s" => 1_000.0,
        "min" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return None,
    };
    let limit = (number * unit).round();
    (limit <= f64::from(i32::MAX)).then_some(limit as u64)
}

pub(super) fn duration_text(milliseconds: u64) -> String {
    match milliseconds {
        0 => "0".to_owned(),
        n if n % 3_600_000 == 0 => format!("{}h", n / 3_600_000),
        n if n % 60_000 == 0 => format!("{}min", n / 60_000),
        n if n % 1_000 == 0 => format!("{}s", n / 1_000),
        n => format!("{n}ms"),
    }
}

/// A time zone's canonical name; offsets become `+HH:MM`.
fn time_zone(value: &str) -> Option<String> {
    let value = value.trim();
    if ["utc", "gmt", "default", "local", "z", "etc/utc", "zulu"]
        .contains(&value.to_ascii_lowercase().as_str())
    {
        return Some("UTC".to_owned());
    }
    if let Some(zone) = chrono_tz::TZ_VARIANTS
        .iter()
        .find(|zone| zone.name().eq_ignore_ascii_case(value))
    {
        return Some(zone.name().to_owned());
    }
    offset(value)
}

fn offset(value: &str) -> Option<String> {
    let (sign, rest) = match value.as_bytes().first()? {
        b'-' => ('-', &value[1..]),
        b'+' => ('+', &value[1..]),
        _ => ('+', value),
    };
    let (hours, minutes) = match rest.split_once(':') {
        Some((hours, minutes)) => (hours.parse::<u32>().ok()?, minutes.parse::<u32>().ok()?),
        None => (rest.parse::<u32>().ok()?, 0),
    };
    if hours > 15 || minutes > 59 {
        return None;
    }
    match (hours, minutes) {
        (0, 0) => Some("UTC".to_owned()),
        _ => Some(format!("{sign}{hours:02}:{minutes:02}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::known::SETTINGS;
    use super::*;

    #[test]
    fn every_default_is_a_value_that_the_setting_takes() {
        for setting in SETTINGS {
            if !matches!(setting.kind, Kind::Fixed) {
                canonical(setting, setting.default).unwrap();
            }
        }
    }

    #[test]
    fn durations_take_units() {
        assert_eq!(milliseconds("1500"), Some(1500));
        assert_eq!(milliseconds("2s"), Some(2000));
        assert_eq!(milliseconds("5 min"), Some(300_000));
        assert_eq!(milliseconds("soon"), None);
        assert_eq!(duration_text(300_000), "5min");
    }

    #[test]
    fn zones_are_names_or_offsets() {
        assert_eq!(time_zone("europe/berlin").as_deref(), Some("Europe/Berlin"));
        assert_eq!(time_zone("-3").as_deref(), Some("-03:00"));
        assert_eq!(time_zone("+05:30").as_deref(), Some("+05:30"));
        assert_eq!(time_zone("Nowhere/Land"), None);
    }
}
