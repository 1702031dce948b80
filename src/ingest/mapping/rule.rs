//! Rules: from what a record holds to the value of a column.

use std::borrow::Cow;
use std::hash::Hasher;

use serde_json::Value;
use siphasher::sip::SipHasher13;

use super::path::Path;
use crate::ingest::columns::{Cell, shorten};
use crate::ingest::time::{Micros, TimeFormat};

/// One way to get a value.
#[derive(Debug)]
pub(crate) struct Rule {
    /// All of these must hold.
    pub(crate) when: Vec<Condition>,
    pub(crate) origin: Origin,
    /// The value's translation; the keys are lower case.
    pub(crate) map: Option<Vec<(String, String)>>,
    /// What a value becomes that `map` does not know.
    pub(crate) default: Option<String>,
    pub(crate) time: Option<TimeFormat>,
    /// Put between the values where the path finds several.
    pub(crate) join: Option<String>,
    /// Cuts a text into the items of a list.
    pub(crate) split: Option<String>,
    /// Leave the value in `attributes` too.
    pub(crate) keep: bool,
}

/// Where a value comes from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// The first of these paths that leads to something.
    Paths(Vec<Path>),
    Template(Template),
    Constant(String),
    /// A template whose value the source does not have: the column goes into `made`.
    Made(Template),
}

/// A comparison that decides whether a rule or a block applies.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) path: Path,
    pub(crate) test: Test,
}

#[derive(Debug)]
pub(crate) enum Test {
    Exists(bool),
    Equals(Vec<String>),
    Differs(Vec<String>),
    EqualsPath(Path),
    DiffersPath(Path),
}

/// A text with `{path}` in it.
#[derive(Debug)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    Path(Path),
    Index,
    Record,
    File,
}

/// What a rule can see.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'v> {
    pub(crate) record: &'v Value,
    pub(crate) element: &'v Value,
    /// Number of the message in its record, from 0.
    pub(crate) index: usize,
    /// Number of the record in its file, from 0.
    pub(crate) number: u64,
    /// The file's name without folders and ending.
    pub(crate) file: &'v str,
}

impl<'v> Scope<'v> {
    pub(crate) fn base(&self, path: &Path) -> &'v Value {
        if path.from_root {
            self.record
        } else {
            self.element
        }
    }
}

/// A value that a rule found.
pub(crate) struct Found<'v, 'm> {
    pub(crate) cell: Cell<'v>,
    pub(crate) made: bool,
    /// The paths whose values it took out of the element.
    pub(crate) taken: Vec<&'m Path>,
}

impl Rule {
    /// The value, `None` when the rule does not apply or finds nothing.
    pub(crate) fn value<'v, 'm: 'v>(
        &'m self,
        scope: Scope<'v>,
    ) -> Result<Option<Found<'v, 'm>>, String> {
        if !self.when.iter().all(|condition| condition.holds(scope)) {
            return Ok(None);
        }
        let mut taken = Vec::new();
        let (cell, made) = match &self.origin {
            Origin::Constant(text) => (Some(Cell::Text(Cow::Borrowed(text.as_str()))), false),
            Origin::Template(template) => (template.fill(scope, &mut taken).map(owned), false),
            Origin::Made(template) => (template.fill(scope, &mut taken).map(owned), true),
            Origin::Paths(paths) => (self.at_paths(paths, scope, &mut taken)?, false),
        };
        let Some(cell) = cell else { return Ok(None) };
        if self.keep {
            taken.clear();
        }
        Ok(Some(Found {
            cell: self.translate(cell)?,
            made,
            taken,
        }))
    }

    fn at_paths<'v, 'm>(
        &self,
        paths: &'m [Path],
        scope: Scope<'v>,
        taken: &mut Vec<&'m Path>,
    ) -> Result<Option<Cell<'v>>, String> {
        let mut found = None;
        for path in paths {
            let base = scope.base(path);
            let cell = match (&self.join, path.is_many()) {
                (Some(join), _) => {
                    let texts = path.all(base).into_iter().map(text_of);
                    let texts: Vec<_> = texts
                        .collect::<Option<_>>()
                        .ok_or("wants texts to join, found an array or an object")?;
                    (!texts.is_empty()).then(|| owned(texts.join(join)))
                }
                (None, _) => path
                    .first(base)
                    .map(|value| Cell::Json(Cow::Borrowed(value))),
            };
            if cell.is_some() && !path.from_root {
                taken.push(path);
            }
            // An empty text is no value: the next path may have one.
            match cell {
                Some(Cell::Json(value)) if value.as_str() == Some("") => found = Some(Cell::Null),
                Some(cell) => return Ok(Some(cell)),
                None => {}
            }
        }
        Ok(found)
    }

    fn translate<'v, 'm: 'v>(&'m self, cell: Cell<'v>) -> Result<Cell<'v>, String> {
        if self.map.is_none() && self.time.is_none() && self.split.is_none() {
            return Ok(cell);
        }
        let text = match &cell {
            Cell::Text(text) => Cow::Borrowed(text.as_ref()),
            Cell::Json(value) => text_of(value).ok_or("wants text, found an array or an object")?,
            Cell::Null | Cell::Time(_) => return Ok(cell),
        };
        if let Some(map) = &self.map {
            let key = text.trim().to_lowercase();
            let known = map
                .iter()
                .find(|(from, _)| *from == key)
                .map(|(_, to)| to.as_str());
            return match known.or(self.default.as_deref()) {
                Some(to) => Ok(Cell::Text(Cow::Borrowed(to))),
                None => Err(format!(
                    "the mapping does not know the value \"{}\"; add it to the field's map",
                    shorten(&text)
                )),
            };
        }
        if let Some(time) = &self.time {
            return match time.parse(&text) {
                Some(micros) => Ok(Cell::Time(micros)),
                None => Err(format!(
                    "wants {}, found \"{}\"",
                    time.describe(),
                    shorten(&text)
                )),
            };
        }
        let separator = self.split.as_deref().unwrap_or(",");
        let items = text
            .split(separator)
            .map(str::trim)
            .filter(|item| !item.is_empty());
        let items = items.map(|item| Value::String(item.to_string())).collect();
        Ok(Cell::Json(Cow::Owned(Value::Array(items))))
    }
}

impl Condition {
    pub(crate) fn holds(&self, scope: Scope<'_>) -> bool {
        let found = self.path.first(scope.base(&self.path));
        // An empty text is no value, as everywhere else.
        let found = found.filter(|value| value.as_str() != Some(""));
        let text = found.and_then(text_of);
        match &self.test {
            Test::Exists(wanted) => found.is_some() == *wanted,
            Test::Equals(values) => text.is_some_and(|text| values.iter().any(|v| *v == text)),
            Test::Differs(values) => text.is_none_or(|text| values.iter().all(|v| *v != text)),
            Test::EqualsPath(other) => {
                text.is_some() && text == other.first(scope.base(other)).and_then(text_of)
            }
            Test::DiffersPath(other) => {
                text.is_none() || text != other.first(scope.base(other)).and_then(text_of)
            }
        }
    }
}

impl Template {
    /// Reads a template; `{{` is a brace.
    pub(crate) fn parse(text: &str) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            if at > 0 {
                parts.push(Part::Text(rest[..at].to_string()));
            }
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('{') {
                parts.push(Part::Text("{".into()));
                rest = after;
                continue;
            }
            let (name, after) = rest
                .split_once('}')
                .ok_or_else(|| format!("\"{text}\": a {{ is not closed"))?;
            parts.push(match name.trim() {
                "index" => Part::Index,
                "record" => Part::Record,
                "file" => Part::File,
                path => Part::Path(Path::parse(path)?),
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_string()));
        }
        match parts.is_empty() {
            true => Err("an empty template".into()),
            false => Ok(Template(parts)),
        }
    }

    /// The text; `None` when one of its paths leads nowhere.
    fn fill<'m>(&'m self, scope: Scope<'_>, taken: &mut Vec<&'m Path>) -> Option<String> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Index => out.push_str(&scope.index.to_string()),
                Part::Record => out.push_str(&scope.number.to_string()),
                Part::File => out.push_str(scope.file),
                Part::Path(path) => {
                    out.push_str(&path.first(scope.base(path)).and_then(text_of)?);
                    if !path.from_root {
                        taken.push(path);
                    }
                }
            }
        }
        Some(out)
    }
}

/// How a missing time is made: conversations start somewhere in a span, messages follow in steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MadeTime {
    pub(crate) base: Micros,
    pub(crate) spread: Micros,
    pub(crate) step: Micros,
}

impl MadeTime {
    /// When a conversation starts: the same for the same id, in any order and any number of files.
    pub(crate) fn start(&self, conversation: &str) -> Micros {
        let mut hasher = SipHasher13::new();
        hasher.write(conversation.as_bytes());
        let seconds = (self.spread / 1_000_000).max(1) as u64;
        self.base
            .saturating_add((hasher.finish() % seconds) as i64 * 1_000_000)
    }
}

/// A scalar as text.
pub(crate) fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn owned<'v>(text: String) -> Cell<'v> {
    Cell::Text(Cow::Owned(text))
}
