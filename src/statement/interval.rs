//! Interval texts with a clock part: `1 day 02:03:04` is what PostgreSQL reads and Arrow does not.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{self, DataType, Expr, Value, VisitMut, VisitorMut};

/// Spells the clock part of every interval literal in units.
pub(super) fn spell_out(statement: &mut ast::Statement) {
    // The break type is uninhabited: the visit always runs to its end.
    let _ = statement.visit(&mut Intervals);
}

struct Intervals;

impl VisitorMut for Intervals {
    type Break = std::convert::Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        match expr {
            Expr::Interval(interval) if interval.leading_field.is_none() => {
                spell(&mut interval.value);
            }
            Expr::Cast {
                expr,
                data_type: DataType::Interval { .. },
                ..
            } => spell(expr),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn spell(value: &mut Expr) {
    if let Expr::Value(value) = value
        && let Value::SingleQuotedString(text) = &mut value.value
        && text.contains(':')
        && let Some(spelt) = in_units(text)
    {
        *text = spelt;
    }
}

/// `1 day -02:03:04.5` as `1 day -2 hours -3 minutes -4.5 seconds`; `None` where a part is neither
/// a word nor a clock.
fn in_units(text: &str) -> Option<String> {
    let parts = text
        .split_whitespace()
        .map(|part| match part.contains(':') {
            true => clock(part),
            false => Some(part.to_owned()),
        });
    Some(parts.collect::<Option<Vec<_>>>()?.join(" "))
}

fn clock(part: &str) -> Option<String> {
    let (sign, digits) = match part.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", part.strip_prefix('+').unwrap_or(part)),
    };
    let mut fields = digits.split(':');
    let hours: u64 = fields.next()?.parse().ok()?;
    let minutes: u8 = fields.next()?.parse().ok()?;
    let seconds = fields.next().unwrap_or("0");
    let number: f64 = seconds.parse().ok()?;
    let plain = seconds
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if fields.next().is_some() || minutes > 59 || number >= 61.0 || !plain {
        return None;
    }
    Some(format!(
        "{sign}{hours} hours {sign}{minutes} minutes {sign}{seconds} seconds"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_become_units() {
        assert_eq!(
            in_units("1 day 02:03:04").as_deref(),
            Some("1 day 2 hours 3 minutes 04 seconds")
        );
        assert_eq!(
            in_units("-00:30").as_deref(),
            Some("-0 hours -30 minutes -0 seconds")
        );
        assert_eq!(in_units("1:2:3:4"), None);
        assert_eq!(in_units("a:b"), None);
    }
}
