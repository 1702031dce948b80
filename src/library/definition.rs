//! Reading one file of `sql/`: its comment, its parameters, its query.

use std::borrow::Cow;

use super::metric::Measure;

/// One query of the library with its documentation.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Name of the view, and of the table function where it has parameters.
    pub name: &'static str,
    /// What it returns, at which grain, by which rules: the opening comment of its file.
    pub comment: String,
    /// The query as it stands in the file, with `$name` where a parameter goes.
    pub sql: &'static str,
    /// The parameters, in the order of the file.
    pub parameters: Vec<Parameter>,
    /// The figures of a metric, for `metric(name)`.
    pub measures: Vec<Measure>,
}

/// A value that a caller may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Name, without the `$`.
    pub name: &'static str,
    /// SQL type.
    pub sql_type: &'static str,
    /// What the view runs with, as an SQL literal.
    pub default: &'static str,
}

/// Why a query of the library cannot be called as asked.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LibraryError {
    /// The caller named a parameter that the query does not have.
    #[error("{query} has no parameter {parameter}{hint}", hint = known(.parameters))]
    UnknownParameter {
        /// The query.
        query: &'static str,
        /// What the caller named.
        parameter: String,
        /// What it has.
        parameters: Vec<&'static str>,
    },
}

fn known(parameters: &[&str]) -> String {
    match parameters {
        [] => "; it takes none".to_owned(),
        some => format!("; it takes {}", some.join(", ")),
    }
}

impl Definition {
    /// The query with the default of each parameter in its place: what the view runs.
    pub fn default_sql(&self) -> Cow<'static, str> {
        self.fill(|parameter| parameter.default)
    }

    /// The query with `arguments`, pairs of a parameter's name and an SQL literal, in their places and
    /// defaults in the others: what the table function runs.
    ///
    /// The literals are taken as they are; the caller makes them from values.
    pub fn sql_with(&self, arguments: &[(&str, &str)]) -> Result<Cow<'static, str>, LibraryError> {
        let has = |name: &str| {
            self.parameters
                .iter()
                .any(|parameter| parameter.name == name)
        };
        if let Some((name, _)) = arguments.iter().find(|(name, _)| !has(name)) {
            return Err(LibraryError::UnknownParameter {
                query: self.name,
                parameter: (*name).to_owned(),
                parameters: self
                    .parameters
                    .iter()
                    .map(|parameter| parameter.name)
                    .collect(),
            });
        }
        Ok(self.fill(|parameter| {
            let given = arguments.iter().find(|(name, _)| *name == parameter.name);
            given.map_or(parameter.default, |(_, literal)| literal)
        }))
    }

    fn fill<'a>(&self, value: impl Fn(&Parameter) -> &'a str) -> Cow<'static, str> {
        if self.parameters.is_empty() {
            return Cow::Borrowed(self.sql);
        }
        let mut filled = String::with_capacity(self.sql.len());
        let mut rest = self.sql;
        while let Some(dollar) = rest.find('$') {
            let (before, after) = rest.split_at(dollar);
            filled.push_str(before);
            let name = &after[1..];
            let end = name.find(|c: char| c != '_' && !c.is_ascii_alphanumeric());
            let (name, behind) = name.split_at(end.unwrap_or(name.len()));
            match self
                .parameters
                .iter()
                .find(|parameter| parameter.name == name)
            {
                Some(parameter) => filled.push_str(value(parameter)),
                None => {
                    filled.push('$');
                    filled.push_str(name);
                }
            }
            rest = behind;
        }
        filled.push_str(rest);
        Cow::Owned(filled)
    }
}

/// The definitions of `files`, pairs of a name and a file's text.
pub(super) fn read(files: &[(&'static str, &'static str)]) -> Vec<Definition> {
    files
        .iter()
        .map(|&(name, text)| read_one(name, text))
        .collect()
}

fn read_one(name: &'static str, text: &'static str) -> Definition {
    let mut comment: Vec<&str> = Vec::new();
    let mut parameters = Vec::new();
    let mut measures = Vec::new();
    let mut rest = text;
    while let Some(line) = rest.lines().next().and_then(|line| line.strip_prefix("--")) {
        if let Some(parameter) = line.strip_prefix(" parameter: ").and_then(read_parameter) {
            parameters.push(parameter);
        } else if let Some(measure) = line.strip_prefix(" measure: ").and_then(read_measure) {
            measures.push(measure);
        } else {
            comment.push(line.strip_prefix(' ').unwrap_or(line));
        }
        rest = rest.split_once('\n').map_or("", |(_, below)| below);
    }
    Definition {
        name,
        comment: comment.join("\n"),
        sql: rest.trim_end(),
        parameters,
        measures,
    }
}

/// `rate = numerator / denominator`.
fn read_measure(line: &'static str) -> Option<Measure> {
    let (name, ratio) = line.split_once('=')?;
    let (numerator, denominator) = ratio.split_once('/')?;
    Some(Measure {
        name: name.trim(),
        numerator: numerator.trim(),
        denominator: denominator.trim(),
    })
}

/// `window_days integer = 7`.
fn read_parameter(line: &'static str) -> Option<Parameter> {
    let (declared, default) = line.split_once('=')?;
    let (name, sql_type) = declared.trim().split_once(' ')?;
    Some(Parameter {
        name,
        sql_type: sql_type.trim(),
        default: default.trim(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    const FILE: &str = "-- parameter: days integer = 7\n\
        -- What it is.\n--\n-- More.\nSELECT $days, $days_more, '$' -- $days\nFROM t\n";

    #[test]
    fn a_file_is_its_comment_parameters_and_query() {
        let read = read_one("name", FILE);
        assert_eq!(read.comment, "What it is.\n\nMore.");
        let days = Parameter {
            name: "days",
            sql_type: "integer",
            default: "7",
        };
        assert_eq!(read.parameters, [days]);
        assert!(read.sql.starts_with("SELECT $days"));
    }

    #[test]
    fn parameters_go_where_they_are_named() {
        let read = read_one("name", FILE);
        assert_eq!(read.default_sql(), "SELECT 7, $days_more, '$' -- 7\nFROM t");
        let filled = read.sql_with(&[("days", "14")]).unwrap();
        assert_eq!(filled, "SELECT 14, $days_more, '$' -- 14\nFROM t");
        let error = read.sql_with(&[("day", "14")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "name has no parameter day; it takes days"
        );
    }
}
