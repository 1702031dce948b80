//! `metric('name', by => 'channel, day')`: a metric view, grouped.

use datafusion::sql::sqlparser::ast::{Expr, Ident};

use super::expand::text;
use super::{Definition, views};
use crate::error::{Error, sqlstate};

/// What `metric` takes: the metric, and the columns to group by, separated by commas. `day`, `week`
/// and `month` stand for the period of `started_at`.
pub(super) const PARAMETERS: &[&str] = &["name", "by"];

/// One figure of a metric: a header line `-- measure: rate = numerator / denominator`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// Name of the figure.
    pub name: &'static str,
    /// The column whose sum is divided.
    pub numerator: &'static str,
    /// The column by whose sum it is divided; `all`: by the numerator's sum over all groups.
    pub denominator: &'static str,
}

/// The grouped query over the metric that `arguments` name.
pub(super) fn sql(arguments: &[(String, Expr)]) -> Result<String, Error> {
    let argument = |name: &str| arguments.iter().find(|(given, _)| given == name);
    let name = match argument("name") {
        Some((_, expr)) => text(expr).ok_or_else(|| not_text("name"))?,
        None => return Err(invalid("metric needs the name of a metric").with_hint(known())),
    };
    let definition = views()
        .iter()
        .find(|view| view.name == name && !view.measures.is_empty())
        .ok_or_else(|| invalid(format!("there is no metric {name}")).with_hint(known()))?;
    let by = match argument("by") {
        Some((_, expr)) => text(expr).ok_or_else(|| not_text("by"))?,
        None => "",
    };
    let by: Vec<&str> = by
        .split(',')
        .map(str::trim)
        .filter(|column| !column.is_empty())
        .collect();
    grouped(definition, &by)
}

fn grouped(definition: &Definition, by: &[&str]) -> Result<String, Error> {
    let mut columns = Vec::new();
    let mut groups = Vec::new();
    for column in by {
        if !column.chars().all(|c| c == '_' || c.is_alphanumeric()) {
            return Err(invalid(format!("\"{column}\" is no column to group by")));
        }
        let name = Ident::with_quote('"', *column);
        match *column {
            "day" | "week" | "month" | "quarter" | "year" => {
                columns.push(format!("date_trunc('{column}', started_at) AS {name}"));
                groups.push(format!("date_trunc('{column}', started_at)"));
            }
            _ => {
                columns.push(name.to_string());
                groups.push(name.to_string());
            }
        }
    }
    let mut summed: Vec<&str> = Vec::new();
    for measure in &definition.measures {
        for part in [measure.numerator, measure.denominator] {
            if part != "all" && !summed.contains(&part) {
                summed.push(part);
            }
        }
    }
    columns.extend(summed.iter().map(|part| format!("sum({part}) AS {part}")));
    columns.extend(definition.measures.iter().map(|measure| {
        let Measure { name, numerator, denominator } = measure;
        match *denominator {
            "all" => format!(
                "sum({numerator})::double precision / nullif(sum(sum({numerator})) OVER (), 0) AS {name}"
            ),
            _ => format!(
                "sum({numerator})::double precision / nullif(sum({denominator}), 0) AS {name}"
            ),
        }
    }));
    let mut sql = format!("SELECT {} FROM {}", columns.join(", "), definition.name);
    if !groups.is_empty() {
        sql.push_str(" GROUP BY ");
        sql.push_str(&groups.join(", "));
    }
    Ok(sql)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::statement(sqlstate::INVALID_PARAMETER_VALUE, message)
}

fn not_text(parameter: &str) -> Error {
    invalid(format!(
        "{parameter} of metric is a text in quotes: it decides the columns"
    ))
}

fn known() -> String {
    let metrics = views()
        .iter()
        .filter(|view| !view.measures.is_empty())
        .map(|view| view.name);
    format!("Metrics are {}.", metrics.collect::<Vec<_>>().join(", "))
}
