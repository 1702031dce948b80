//! Dotted paths into JSON: `a.b[0].c[*]`, `$.a` from the record's root, `.` for the value itself.

use serde::{Serialize, Serializer};
use serde_json::Value;

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    /// From the end where negative.
    Index(i64),
    All,
}

/// Where a value is, from the element at hand or, after `$.`, from the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) from_root: bool,
    steps: Vec<Step>,
}

impl Path {
    /// Reads a path. Keys with dots or brackets in them stand in single quotes: `'a.b'.c`.
    pub(crate) fn parse(text: &str) -> Result<Path, String> {
        let (from_root, mut rest) = match text.strip_prefix('$') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut steps = Vec::new();
        if rest == "." || (from_root && rest.is_empty()) {
            return Ok(Path { from_root, steps });
        }
        if from_root {
            rest = rest.strip_prefix('.').unwrap_or(rest);
        }
        let mut first = true;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('[') {
                let (inside, after) = after
                    .split_once(']')
                    .ok_or_else(|| format!("\"{text}\": a [ is not closed"))?;
                steps.push(match inside.trim() {
                    "*" => Step::All,
                    number => Step::Index(number.parse().map_err(|_| {
                        format!("\"{text}\": [{number}] is neither a number nor [*]")
                    })?),
                });
                rest = after;
            } else {
                if !first {
                    rest = rest
                        .strip_prefix('.')
                        .ok_or_else(|| format!("\"{text}\": a dot is missing before \"{rest}\""))?;
                }
                let (key, after) = match rest.strip_prefix('\'') {
                    Some(quoted) => quoted
                        .split_once('\'')
                        .ok_or_else(|| format!("\"{text}\": a ' is not closed"))?,
                    None => rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len())),
                };
                if key.is_empty() {
                    return Err(format!("\"{text}\": a key is missing"));
                }
                steps.push(Step::Key(key.to_string()));
                rest = after;
            }
            first = false;
        }
        match steps.is_empty() {
            true => Err("an empty path; \".\" is the element itself".into()),
            false => Ok(Path { from_root, steps }),
        }
    }

    /// The first value that is there and not null.
    pub(crate) fn first<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        let mut found = None;
        self.walk(value, &mut |value| {
            found = Some(value);
            false
        });
        found
    }

    /// Every value that is there and not null, in order.
    pub(crate) fn all<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        let mut found = Vec::new();
        self.walk(value, &mut |value| {
            found.push(value);
            true
        });
        found
    }

    /// Where `[*]` stands for the elements of what is no array, with what is there instead.
    pub(crate) fn misfit(&self, value: &Value) -> Option<(String, &'static str)> {
        let stars = self.steps.iter().enumerate();
        let mut stars = stars.filter(|(_, step)| **step == Step::All);
        stars.find_map(|(at, _)| {
            let before = &self.steps[..at];
            let mut found = None;
            step(before, value, &mut |value| {
                found = match value {
                    Value::Array(_) | Value::Null => None,
                    Value::Object(_) => Some("an object"),
                    Value::String(_) => Some("text"),
                    Value::Number(_) => Some("a number"),
                    Value::Bool(_) => Some("true or false"),
                };
                found.is_none()
            });
            Some((show(before), found?))
        })
    }

    /// Whether it names the element itself.
    pub(crate) fn is_self(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether it can find more than one value.
    pub(crate) fn is_many(&self) -> bool {
        self.steps.contains(&Step::All)
    }

    /// Visits what is found until `visit` returns false.
    pub(crate) fn walk<'v>(&self, value: &'v Value, visit: &mut dyn FnMut(&'v Value) -> bool) {
        step(&self.steps, value, visit);
    }

    /// The keys that lead to the whole of what the path takes: `a[*]` takes the array `a`; `a[0]`
    /// and `a[*].b` take nothing as a whole.
    fn taken(&self) -> Option<&[Step]> {
        let keys = self
            .steps
            .iter()
            .take_while(|step| matches!(step, Step::Key(_)))
            .count();
        match &self.steps[keys..] {
            [] | [Step::All] => Some(&self.steps[..keys]),
            _ => None,
        }
    }

    /// The keys of a path such as `a.b[*]`, where the records of a document are.
    pub(crate) fn array_keys(&self) -> Option<Vec<String>> {
        let (last, keys) = self.steps.split_last()?;
        let keys = keys.iter().map(|step| match step {
            Step::Key(key) => Some(key.clone()),
            _ => None,
        });
        (*last == Step::All).then(|| keys.collect()).flatten()
    }
}

/// Steps as a mapping writes them.
fn show(steps: &[Step]) -> String {
    let mut out = String::new();
    for step in steps {
        match step {
            Step::Key(key) => {
                if !out.is_empty() {
                    out.push('.');
                }
                match key.contains(['.', '[']) {
                    true => out.push_str(&format!("'{key}'")),
                    false => out.push_str(key),
                }
            }
            Step::Index(index) => out.push_str(&format!("[{index}]")),
            Step::All => out.push_str("[*]"),
        }
    }
    if out.is_empty() { ".".into() } else { out }
}

fn step<'v>(steps: &[Step], value: &'v Value, visit: &mut dyn FnMut(&'v Value) -> bool) -> bool {
    let Some((first, rest)) = steps.split_first() else {
        return value.is_null() || visit(value);
    };
    match first {
        Step::Key(key) => value.get(key).is_none_or(|value| step(rest, value, visit)),
        Step::Index(index) => {
            let Some(values) = value.as_array() else {
                return true;
            };
            let at = match usize::try_from(*index) {
                Ok(at) => Some(at),
                Err(_) => values.len().checked_sub(index.unsigned_abs() as usize),
            };
            at.and_then(|at| values.get(at))
                .is_none_or(|value| step(rest, value, visit))
        }
        Step::All => match value.as_array() {
            Some(values) => values.iter().all(|value| step(rest, value, visit)),
            None => true,
        },
    }
}

/// What is left of an object once the values at `taken` are out of it, as JSON text; `None` when
/// nothing is.
pub(crate) fn rest(value: &Value, taken: &[&Path]) -> Option<String> {
    let keys: Vec<&[Step]> = taken.iter().filter_map(|path| path.taken()).collect();
    let rest = Rest { value, taken: keys };
    (value.is_object() && !rest.is_empty())
        .then(|| serde_json::to_string(&rest).ok())
        .flatten()
}

struct Rest<'v> {
    value: &'v Value,
    taken: Vec<&'v [Step]>,
}

impl<'v> Rest<'v> {
    /// The members that stay. Nulls say nothing and go.
    fn members(&self) -> impl Iterator<Item = (&'v String, Rest<'v>)> {
        let members = self.value.as_object().into_iter().flatten();
        members
            .filter(|(_, value)| !value.is_null())
            .filter_map(|(key, value)| {
                let below = self
                    .taken
                    .iter()
                    .filter_map(|steps| match steps.split_first() {
                        Some((Step::Key(first), rest)) if first == key => Some(rest),
                        _ => None,
                    });
                let rest = Rest {
                    value,
                    taken: below.collect(),
                };
                (!rest.is_empty()).then_some((key, rest))
            })
    }

    fn is_empty(&self) -> bool {
        if self.taken.is_empty() {
            return false;
        }
        self.taken.iter().any(|steps| steps.is_empty())
            || (self.value.is_object() && self.members().next().is_none())
    }
}

impl Serialize for Rest<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.taken.is_empty() || !self.value.is_object() {
            true => self.value.serialize(serializer),
            false => serializer.collect_map(self.members()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use serde_json::json;

    use super::Path;

    #[test]
    fn paths_find_what_they_name() {
        let value = json!({"a": {"b.c": [1, {"d": 2}, null, {"d": 3}]}, "e": null});
        let all = |text: &str| {
            Path::parse(text)
                .unwrap()
                .all(&value)
                .iter()
                .map(|v| v.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(all("a.'b.c'[*].d"), ["2", "3"]);
        assert_eq!(all("$.a.'b.c'[-1].d"), ["3"]);
        assert_eq!(all("e"), Vec::<String>::new());
        assert_eq!(all(".").len(), 1);
    }

    #[test]
    fn what_is_no_array_is_named() {
        let value = json!({"a": {"b.c": "x", "d": [1], "e": null, "f": {"g": 1}}});
        let misfit = |text: &str| Path::parse(text).unwrap().misfit(&value);
        assert_eq!(misfit("a.'b.c'[*].x"), Some(("a.'b.c'".into(), "text")));
        assert_eq!(misfit("a.f[*]"), Some(("a.f".into(), "an object")));
        assert_eq!(misfit("a.d[*][*]"), Some(("a.d[*]".into(), "a number")));
        for path in ["a.d[*]", "a.e[*]", "a.z[*]", "a.f", "a.d[*].x[*]"] {
            assert_eq!(misfit(path), None, "{path}");
        }
    }

    #[test]
    fn the_rest_is_what_was_not_taken() {
        let value = json!({"a": {"b": 1}, "c": {"d": 1, "e": 2}, "f": [1, 2], "g": null, "h": {}});
        let rest = |paths: &[&str]| {
            let paths: Vec<Path> = paths
                .iter()
                .map(|path| Path::parse(path).unwrap())
                .collect();
            super::rest(&value, &paths.iter().collect::<Vec<_>>())
        };
        let found = rest(&["a.b", "c.d", "f[0]", "x.y", "f[*].z"]);
        assert_eq!(found.as_deref(), Some(r#"{"c":{"e":2},"f":[1,2],"h":{}}"#));
        assert_eq!(rest(&["a", "c", "f[*]", "h"]), None);
        assert_eq!(rest(&["."]), None);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("a[", "not closed"),
            ("a[x]", "neither"),
            ("a..b", "key is missing"),
            ("a[0]b", "dot is missing"),
            ("'a", "not closed"),
            ("", "empty path"),
        ] {
            let error = Path::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
